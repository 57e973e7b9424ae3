"""A day of the sample crew: it reads the web, writes its pages, asks one another, and no person."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.app import App
from harness.bus.port import Outcome, Request, State
from harness.tools.shared_context import version_of
from tests.doubles.feed_server import FeedServer
from tests.flows.house import House, write_yaml

SAMPLE = Path(__file__).parents[2]
CREW = ("ainews", "macro", "trading", "content", "butler", "zoe")


@pytest.fixture
def crew(house: House, feeds: FeedServer) -> House:
    """The sample home's crew and pages, with feeds of this machine."""
    for name in ("agents", "skills", "shared-context"):
        shutil.copytree(SAMPLE / name, house.home.root / name, dirs_exist_ok=True)
    for agent in CREW:
        profile = house.home.agent(agent) / "SOUL.md"
        profile.write_text(profile.read_text().replace("model: chat", f"model: {agent}"))
        house.script(agent, [])
    for path in house.home.agents.glob("*/sources.yaml"):
        write_yaml(path, feeds.sources(healthy=True))
    return house


def call(tool: str, /, **arguments: Any) -> dict[str, Any]:
    return {"calls": [{"name": tool, "arguments": arguments}]}


def page(action: str, name: str, **more: str) -> dict[str, Any]:
    return call("shared_context", action=action, name=name, **more)


def scripts(feeds: FeedServer, versions: dict[str, str]) -> dict[str, list[Any]]:
    """What each of them does in its day; turns of a second session follow the first's."""
    granite, chips = feeds.url("/articles/granite-5"), feeds.url("/articles/chip-export")
    return {
        "ainews": [
            call("rss", limit=150),
            call("verify_url", urls=[granite, chips]),
            call("web_fetch", url=granite),
            call("memory", action="append", text=f"digest: {granite}"),
            call("learn", summary="The feed Gone failed for days"),
            {"text": f"# AI news\n\n1. [Granite 5]({granite})"},
            call("rss", limit=150, query="granite"),
            {"text": f"One find: [Granite 5]({granite})"},
        ],
        "macro": [
            call("rss", limit=150),
            call("web_fetch", url=chips),
            call("verify_url", url=chips),
            page("read", "macro-view.md"),
            page(
                "write",
                "macro-view.md",
                version=versions["macro-view.md"],
                text=f"# Macro view\n\n- Limits changed. [Source]({chips})",
            ),
            {"text": f"# Macro\n\n- Limits changed. [Source]({chips})"},
        ],
        "trading": [
            page("read", "macro-view.md"),
            call("web_fetch", url=chips),
            call("memory", action="append", text="idea: 2026-01-05, wait"),
            {"text": f"Wait. [Source]({chips})\n\nNot financial advice."},
        ],
        "content": [
            call("rss", limit=150),
            call("verify_url", urls=[granite]),
            call("memory", action="append", text=f"topics: Granite 5, {granite}"),
            {"text": f"1. **Granite 5** [Source]({granite})"},
            call("memory", action="search", query="topics"),
            call("web_fetch", url=granite),
            {"text": f"A draft. [Source]({granite})"},
        ],
        "butler": [
            page("read", "priorities.md"),
            call("memory", action="append", text="message: greeting"),
            {"text": "Morning."},
        ],
        "zoe": [
            page("read", "priorities.md"),
            call("request", agent="ainews", prompt="Finds of the last week, in one line."),
            {"text": ""},
            page("read", "TECH_RADAR.md"),
            page(
                "write",
                "TECH_RADAR.md",
                version=versions["TECH_RADAR.md"],
                text=f"# Tech radar\n\n## Assess\n- Granite 5. [link]({granite})",
            ),
            call("memory", action="append", text="Moved Granite 5 to Assess"),
            {"text": f"Moved. [link]({granite})"},
        ],
    }


DAY = ("butler", "macro", "trading", "ainews", "content", "content", "zoe")
ANSWERS = 2  # tasks that come of zoe's request: that of ainews, and zoe's own with the answer


async def live(house: House, app: App) -> None:
    """One task after the other, as the schedule has them."""
    for agent in DAY:
        task = await app.bus.request(Request(agent, "Do your work of today.", deliver=["archive"]))
        await house.final(app, task)
    await house.until(lambda: len(app.bus.reader.tasks(state=State.FINAL)) == len(DAY) + ANSWERS)


async def test_a_day_of_the_sample_crew_asks_no_person(crew: House, feeds: FeedServer) -> None:
    versions = {
        path.name: version_of(path.read_text()) for path in crew.home.shared_context.glob("*.md")
    }
    for agent, turns in scripts(feeds, versions).items():
        crew.script(agent, turns)

    async with crew.daemon() as app:
        await live(crew, app)
        tasks = app.bus.reader.tasks()
        asked = app.bus.reader.approvals(crew.clock.now())

    assert asked == []
    assert {task.outcome for task in tasks} == {Outcome.DONE}
    for name, says in (
        ("macro-view.md", "Limits changed"),
        ("TECH_RADAR.md", "Granite 5. [link](http"),
    ):
        text = (crew.home.shared_context / name).read_text()
        assert says in text
        assert "<!-- from outside: " in text
    assert not any("hxxp" in path.read_text() for path in crew.pages())
