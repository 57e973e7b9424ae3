"""What a stop, a crash and a bad file leave behind, and what the next start makes of it."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest

from harness.app import App
from harness.bus.port import JobState, Outcome, Recovered, Request, State
from harness.config.crew import Crew, read_crew
from harness.errors import ConfigError, Held
from tests.doubles.feed_server import FeedServer
from tests.flows.house import House, is_over

PATIENCE = 3.0  # seconds


async def test_what_was_asked_before_the_start_is_answered_after_it(
    house: House, feeds: FeedServer
) -> None:
    async with house.daemon() as app:
        pass
    app = App.open(house.home, house.clock, {})
    task = await app.bus.request(Request("ainews", "Digest now", deliver=["archive"]))
    await app.aclose()

    async with house.daemon() as app:
        task = await house.final(app, task)

    assert task.outcome is Outcome.DONE
    assert len(house.pages()) == 1


async def test_a_final_that_was_not_handed_over_before_a_crash_is_handed_over_once(
    house: House, feeds: FeedServer
) -> None:
    app, stop = App.open(house.home, house.clock, {}), asyncio.Event()
    task = await app.bus.request(Request("ainews", "Digest now", deliver=["archive"]))
    working = asyncio.create_task(app.dispatcher.run(stop))  # and no courier: it "crashed"
    await house.until(lambda: app.bus.reader.get(task.id).state is State.FINAL)
    stop.set()
    await working
    await app.aclose()
    assert house.pages() == []

    for _ in range(2):
        async with house.daemon() as app:
            await house.until(lambda: is_over(app.bus.reader.get(task.id)))

    assert len(house.pages()) == 1


async def test_a_session_that_died_with_its_daemon_is_taken_over_at_once(
    house: House, feeds: FeedServer
) -> None:
    app = App.open(house.home, house.clock, {})
    task = await app.bus.request(Request("ainews", "Digest now", deliver=["archive"]))
    await app.bus.claim("ainews", cap=1, owner="the one that died")
    await app.aclose()

    async with house.daemon() as app:
        task = await house.final(app, task)

    assert (task.outcome, task.attempt) == (Outcome.DONE, 2)


async def test_a_schedule_that_does_not_parse_leaves_the_last_good_one_in_force(
    house: House,
) -> None:
    house.agent("scout")
    house.job("morning", agent="scout", cron="30 7 * * *")
    async with house.daemon() as app:
        house.home.cron_file.write_text("jobs:\n  morning: {agent: scout, cron: '99 * * * *'}\n")
        await app.reload()

        assert list(app.crew.crontab.jobs) == ["morning"]
        assert "cron.yaml:2" in app.crew.problems[0].where
        await house.until(lambda: bool(app.bus.reader.slots("morning")), step=1)

        house.job("evening", agent="scout", cron="30 18 * * *")
        await app.reload()

        assert app.crew.problems == ()
        assert set(app.scheduler.due) == {"morning", "evening"}


async def test_a_file_that_a_person_saves_is_taken_up_while_the_crew_runs(house: House) -> None:
    house.agent("scout")
    async with house.daemon() as app:
        house.agent("clerk")
        house.job("new", agent="clerk", cron="0 9 * * *")

        await house.until(lambda: "new" in app.scheduler.due and "clerk" in app.crew.profiles)


async def test_one_bad_profile_does_not_stop_the_others(house: House) -> None:
    house.agent("scout")
    house.agent("clerk")
    (house.home.agent("clerk") / "SOUL.md").write_text("---\nname: [\n---\n")

    async with house.daemon() as app:
        task = await app.bus.request(Request("scout", "Look."))
        task = await house.final(app, task)

        assert task.outcome is Outcome.DONE
        assert list(app.crew.profiles) == ["scout"]
        assert "clerk" in app.crew.problems[0].where


def test_a_home_whose_schedule_never_parsed_does_not_start(house: House) -> None:
    house.home.cron_file.write_text("jobs: [\n")

    with pytest.raises(ConfigError, match=r"cron\.yaml"):
        App.open(house.home, house.clock, {})


async def test_what_cannot_be_written_changes_nothing_and_is_taken_up_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.agent("scout")
    app = App.open(house.home, house.clock, {})
    house.settings["network"] = {"allow": ["nas:80"], "proxy": "http://proxy.test:3128"}
    house.job("morning", agent="scout", cron="30 7 * * *")

    async def refuse(state: JobState) -> JobState:
        raise Held("harness.db is locked by another process")

    with monkeypatch.context() as locked:
        locked.setattr(app.bus, "set_job", refuse)
        await app.reloader.look()

    assert (app.crew.crontab.jobs, app.scheduler.due, app.web.allowed) == ({}, {}, frozenset())

    await app.reloader.look()

    assert list(app.crew.crontab.jobs) == list(app.scheduler.due) == ["morning"]
    assert app.web.allowed == {("nas", 80)}
    assert app.web.proxy == ("proxy.test", 3128)
    await app.aclose()


async def test_the_house_goes_on_while_its_files_are_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App.open(house.home, house.clock, {})
    house.agent("scout")
    went_on = threading.Event()

    def slow(*where: Any, **how: Any) -> Crew:
        assert went_on.wait(PATIENCE)
        return read_crew(*where, **how)

    monkeypatch.setattr("harness.app.read_crew", slow)
    reading = asyncio.create_task(app.reload())
    await asyncio.sleep(0)
    went_on.set()
    await reading

    assert list(app.crew.profiles) == ["scout"]
    await app.aclose()


async def test_a_file_that_is_refused_is_a_recovery_once_for_each_time(house: House) -> None:
    house.agent("scout")
    soul = house.home.agent("scout") / "SOUL.md"
    good = soul.read_text()
    async with house.daemon() as app:
        for text in ("---\nname: [\n", "---\nname: {\n", good, "---\nname: [\n"):
            soul.write_text(text)
            await app.reload()
        told = app.bus.reader.recoveries(house.clock.now() - timedelta(hours=1))

    assert [(each.kind, each.subject) for each in told] == [
        (Recovered.CONFIG, "agents/scout/SOUL.md")
    ] * 2
