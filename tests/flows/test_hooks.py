"""Hooks in a whole house: what they guard, and that no edit of a file changes them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from harness.bus.port import Outcome, Request
from harness.config.hooks import HookEvent
from tests.flows.house import House
from tests.flows.person import asked, decide, write


def guard(house: House, body: str, *on: str) -> Path:
    """A hook of the home that does so, and notes what it was told."""
    path = house.home.root / "guard.sh"
    path.write_text(f"#!/bin/sh\ncat >> told; echo >> told\n{body}\n")
    path.chmod(0o700)
    house.settings["hooks"] = [{"on": list(on), "command": ["./guard.sh"]}]
    house.write()
    return path


async def test_the_hooks_of_a_running_crew_change_by_a_persons_word_alone(house: House) -> None:
    async with house.daemon() as app:
        guard(house, "exit 2", "final")
        await app.reload()
        by_itself = app.hooks.listens(HookEvent.FINAL)

        app.ring()
        await app.reload()

        assert not by_itself
        assert app.hooks.listens(HookEvent.FINAL)


async def test_a_word_that_comes_while_files_are_read_counts_for_the_next_reading(
    house: House,
) -> None:
    async with house.daemon() as app:
        reading = asyncio.create_task(app.reload())
        await asyncio.sleep(0)
        guard(house, "exit 2", "final")
        app.ring()
        await reading

        await app.reload()

        assert app.hooks.listens(HookEvent.FINAL)


async def test_an_answer_that_a_hook_holds_back_is_refused(house: House) -> None:
    house.agent("scout")
    guard(house, "echo not today >&2; [ $HARNESS_EVENT != final ] || exit 2", "final")
    async with house.daemon() as app:
        task = await app.bus.request(Request(agent="scout", prompt="Look.", sender="person"))

        final = await house.final(app, task)

    told = json.loads((house.home.root / "told").read_text())
    assert final.outcome is Outcome.REFUSED
    assert "not today" in str(final.error)
    assert (told["event"], told["agent"], told["task"]) == ("final", "scout", task.id)


async def test_a_session_that_waited_for_a_person_begins_once_and_ends_once(house: House) -> None:
    house.agent("scout", "write", model="player")
    house.script("player", [{"calls": [write()]}, "The diary is written."])
    guard(house, "exit 0", "session_start", "session_end")
    async with house.daemon() as app:
        task = await app.bus.request(Request("scout", "Keep the diary."))
        (question,) = await asked(house, app)
        decide(house, question)
        await house.final(app, task)

    told = (house.home.root / "told").read_text().splitlines()
    events = [json.loads(line)["event"] for line in told if line]
    assert events == ["session_start", "session_end"]
