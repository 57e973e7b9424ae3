"""A real daemon that is killed while its task waits for a person, who decides meanwhile."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.test_daemon import PATIENCE, harness, up
from tests.flows.conftest import diarist
from tests.flows.house import House
from tests.flows.person import DIARY, write

__all__ = ["diarist"]

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("diarist")]


async def open_question(root: Path) -> str:
    """The one open question, once the task that asks is parked."""
    async with asyncio.timeout(PATIENCE):
        while True:
            _, tasks = await harness(root, "queue", "list", "--agent", "scout")
            asked = [each for each in tasks if each["waits_for"] and each["state"] == "request"]
            if asked:
                return str(asked[0]["waits_for"][0])
            await asyncio.sleep(0.05)


async def ended(root: Path, task: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while True:
            _, shape = await harness(root, "queue", "show", task)
            if shape["state"] in ("final", "dead"):
                return dict(shape)
            await asyncio.sleep(0.05)


async def test_a_killed_daemon_takes_neither_the_question_nor_the_session_along(
    house: House,
) -> None:
    root = house.home.root
    async with up(root) as daemon:
        _, task = await harness(root, "send", "scout", "Keep the diary.")
        question = await open_question(root)
        await daemon.end(signal.SIGKILL)
    code, _ = await harness(root, "approvals", "approve", question)
    house.script("player", ["The diary is written."])

    async with up(root):
        done = await ended(root, task["id"])

    assert code == 0
    assert (done["outcome"], done["result"]["text"]) == ("done", "The diary is written.")
    assert (root / DIARY).read_text() == "Calm sea."


async def test_a_decision_wakes_a_daemon_and_who_waits_gets_the_answer(house: House) -> None:
    root = house.home.root
    house.script("player", [{"calls": [write()]}, "Then not."])
    async with up(root):
        waiting = asyncio.create_task(harness(root, "send", "scout", "Keep the diary.", "--wait"))
        question = await open_question(root)
        await harness(root, "approvals", "deny", question, "--note", "not today")
        code, answer = await waiting

    assert (code, answer["result"]["text"]) == (0, "Then not.")
    assert not (root / DIARY).exists()
