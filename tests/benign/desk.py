"""The sample crew at work in a home of its own, with a small web beside it."""

from __future__ import annotations

import html
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from harness.app import App
from harness.bus.handed import Handed, payload_of
from harness.bus.outside import outside_payload
from harness.bus.port import Request, Task
from harness.clock import FakeClock
from harness.config.home import Home
from harness.network.politeness import Politeness
from harness.network.web import Web
from harness.services.hands import Equipment
from harness.tools.toolbox import Toolbox
from tests.doubles.feed_server import FeedServer
from tests.flows.house import write_yaml
from tests.tools.conftest import NOW, TRUSTS_NOBODY

SAMPLE = Path(__file__).parents[2]
HOSTS = ("news.test", "www.news.test", "xn--mnchen-3ya.test")
ADA = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@a.test"}
COMMITTER = {"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@a.test"}
STORIES = {
    "Granite 5 released with open weights": "{web}/articles/granite-5",
    "Ollama 0.19 schedules several models on one GPU": "{web}/articles/ollama-19",
    "Security hole in a common tokenizer library": "{web}/articles/chip-export",
    "Rules for water": "{web}/articles/water-use",
    "Tracked": "{web}/echo/tracked?id=7&utm_source=rss&utm_medium=feed",
    "Mercury": "{web}/echo/wiki/Mercury_(planet)",
    "Cheese, moved to {web}/to_article": "{web}/echo/wiki/K%C3%A4se",
    "Signs in {web}/echo/a,b;c=1:2": "http://www.news.test:{port}/echo/story",
    "A cathedral": "http://münchen.test:{port}/echo/dom",
}
FILES = {
    "README.md": "# A workspace\n",
    "Makefile": "test:\n\t@echo all well\n",
    "notes/plan.md": "# Plan\n\nThe lighthouse.\n",
    "src/app.py": "def total(rows):\n    # TODO: round\n    return sum(rows)\n",
    "data/log.txt": "error one\ninfo two\nwarning three\nerror four\n",
    "data/sums.csv": "b,2\na,1\n",
    "data/other.csv": "a,1\n",
    "data/it.json": '{"name": "Ada"}\n',
}


@dataclass(frozen=True)
class Case:
    """A session of everyday calls, in one of the modes in which they must pass."""

    session: str
    agent: str
    calls: list[list[Any]]
    task: str = "Morning digest."
    tools: list[str] = field(default_factory=list)  # of `helper`; the crew has its own
    allow: list[str] = field(default_factory=list)
    modes: tuple[str, ...] = ("default", "accept_edits", "dont_ask", "bypass")
    pages: Mapping[str, str] = field(default_factory=dict)  # shared ones
    notes: str = ""  # of the agent's log of yesterday
    handed: str = ""  # by a job before it, that had read the web
    outside: tuple[str, ...] = ()  # what its asker had read

    def __str__(self) -> str:
        return self.session


def cases() -> list[Case]:
    text = Path(__file__).with_name("cases.yaml").read_text("utf-8")
    return [Case(**each) for each in YAML(typ="safe", pure=True).load(text)]


def filled(value: Any, words: Mapping[str, str]) -> Any:
    """The value with its {names} replaced."""
    match value:
        case str():
            for name, word in words.items():
                value = value.replace(f"{{{name}}}", word)
            return value
        case dict():
            return {key: filled(each, words) for key, each in value.items()}
        case list():
            return [filled(each, words) for each in value]
    return value


def lay_out(home: Home, case: Case, server: FeedServer, words: Mapping[str, str]) -> None:
    """The sample home with sources of this machine, files to work with, and a repository."""
    for name in ("agents", "skills", "shared-context"):
        shutil.copytree(SAMPLE / name, home.root / name)
    shutil.copy(SAMPLE / "cron.yaml", home.cron_file)
    write_yaml(home.settings_file, settings(server))
    source = {"name": "Machine Room", "url": server.url("/rss20.xml"), "kind": "rss"}
    for path in home.agents.glob("*/sources.yaml"):
        write_yaml(path, [source | {"weight": 1, "tags": ["ai"]}])
    helper = {"name": "helper", "description": "Helps.", "tools": case.tools, "allow": case.allow}
    lines = "\n".join(f"{key}: {value}" for key, value in helper.items())
    (home.agents / "helper.md").write_text(f"---\n{lines}\n---\nYou help.\n")
    notes = {f"memory/{case.agent}/2026-01-04.md": case.notes} if case.notes else {}
    pages = {f"shared-context/{name}": text for name, text in case.pages.items()}
    for name, text in {**FILES, **notes, **pages}.items():
        path = home.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(filled(text, words))
    commit(home.root)
    (home.root / "notes/plan.md").write_text(f"{FILES['notes/plan.md']}And a boat.\n")


def settings(server: FeedServer) -> dict[str, Any]:
    sample = YAML(typ="safe", pure=True).load((SAMPLE / "harness.yaml").read_text("utf-8"))
    allowed = [server.authority, *(f"{host}:{server.port}" for host in HOSTS)]
    return {**sample, "network": {"allow": allowed}}


def commit(folder: Path) -> None:
    environment = {**os.environ, **ADA, **COMMITTER, "GIT_CONFIG_GLOBAL": "/dev/null"}
    (folder / ".gitignore").write_text(".harness/\n")
    for command in (
        ["init", "-q", "-b", "main"],
        ["config", "user.name", "Ada"],
        ["config", "user.email", "ada@a.test"],
        ["add", "README.md", "Makefile", "notes", "src", "data"],
        ["commit", "-q", "-m", "Begin"],
    ):
        subprocess.run(["git", *command], cwd=folder, env=environment, check=True)


def feed(words: Mapping[str, str]) -> bytes:
    items = "".join(
        f"<item><title>{html.escape(title)}</title><link>{html.escape(link)}</link></item>"
        for title, link in filled(list(map(list, STORIES.items())), words)
    )
    return f'<rss version="2.0"><channel><title>Room</title>{items}</channel></rss>'.encode()


async def here(host: str, port: int) -> list[str]:
    """Every name leads to this machine."""
    return ["127.0.0.1"]


@dataclass
class Desk:
    """One session's tools as the house gives them, and the book of what was asked."""

    app: App
    toolbox: Toolbox
    words: dict[str, str]


@asynccontextmanager
async def a_desk(root: Path, case: Case, mode: str) -> AsyncIterator[Desk]:
    clock = FakeClock(NOW)
    async with FeedServer(now=NOW) as server:
        words = {"web": server.base, "port": str(server.port)}
        home = Home(root / "home")
        home.root.mkdir()
        lay_out(home, case, server, words)
        server.changed["/rss20.xml"] = feed(words)
        patient = Politeness(clock, at_once=100, gap=0)
        allow = settings(server)["network"]["allow"]
        web = Web(clock, allow=allow, resolve=here, politeness=patient, verify=TRUSTS_NOBODY)
        app = App.open(home, clock, {})
        try:
            equipment = Equipment(home, app.bus, clock, web, app.audit)
            yield Desk(app, await a_toolbox(app, equipment, case, mode, words), words)
        finally:
            await app.aclose()


async def a_toolbox(
    app: App, equipment: Equipment, case: Case, mode: str, words: Mapping[str, str]
) -> Toolbox:
    task = await a_task(app, case, words)
    profile = app.crew.profiles[case.agent]
    front = profile.front.model_copy(update={"permission": mode})
    parts = await app.sessions.parts(app.crew, profile, task)
    return equipment.toolbox(
        app.crew,
        replace(profile, front=front),
        task,
        app.hooks,
        private=parts.private,
        spill=f"{task.id}-1",
        max_chars=60_000,
    )


async def a_task(app: App, case: Case, words: Mapping[str, str]) -> Task:
    text = filled(case.handed, words)
    handed = Handed("news", "ainews", "2026-01-05", "done", "01NEWS", text, ("news.test",))
    payload = {**outside_payload(case.outside), **(payload_of([handed]) if text else {})}
    wish = Request(case.agent, filled(case.task, words), payload=payload)
    await app.bus.request(wish)
    task = await app.bus.claim(case.agent, cap=1, owner="session")
    assert task is not None, "it was asked just now"
    return task
