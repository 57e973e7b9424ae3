"""The ledger of a real daemon that is killed in the middle of a call, or has no disk left."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.clock import SystemClock
from harness.models.ledger import ledger as module
from harness.models.ledger.call import Call
from harness.models.ledger.ledger import Ledger
from harness.models.ledger.reader import LedgerReader
from tests.chaos.test_daemon import PATIENCE, harness, up
from tests.chaos.test_disk import disk, fill
from tests.doubles.ollama import Answer, Fault, OllamaDouble
from tests.flows.house import House
from tests.models.ledger.test_ledger import call, until

__all__ = ["disk"]

pytestmark = pytest.mark.chaos


def calls(path: Path) -> list[Call]:
    now = datetime.now(UTC)
    with LedgerReader(path) as reader:
        return reader.calls(now - timedelta(hours=1), now + timedelta(hours=1))


async def test_a_call_in_the_middle_of_which_the_daemon_is_killed_is_lost_and_charged(
    house: House,
) -> None:
    root, ledger = house.home.root, house.home.ledger
    async with OllamaDouble() as ollama:
        chat = {"provider": "ollama", "model": "qwen3:8b"}
        house.settings["models"] = {"default": "chat", "profiles": {"chat": chat}}
        house.write()
        house.agent("scout", model="chat")
        ollama.say(Answer("never", fault=Fault.HANG), Answer("Here it is."))

        async with up(root, OLLAMA_HOST=ollama.url) as daemon:
            await harness(root, "send", "scout", "Look.")
            async with asyncio.timeout(PATIENCE):
                while [row.outcome for row in calls(ledger)] != ["open"]:
                    await asyncio.sleep(0.01)
            await daemon.end(signal.SIGKILL)
        async with up(root, OLLAMA_HOST=ollama.url) as daemon:
            await daemon.hear("channel=log")
            await daemon.end(signal.SIGTERM)

    lost, done = calls(ledger)
    assert (lost.outcome, done.outcome) == ("lost", "done")
    assert lost.estimated
    assert lost.prompt_tokens > 0
    _, shown = await harness(root, "models", "ps")
    total = lost.prompt_tokens + done.prompt_tokens + done.completion_tokens
    assert shown["today"]["tokens"] == total
    assert shown["today"]["outcomes"] == {"lost": 1, "done": 1}


@pytest.mark.siege
async def test_calls_go_on_while_the_disk_is_full_and_are_written_once_there_is_room(
    disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.05)
    path = disk / "ledger.db"
    ledger = Ledger(path, SystemClock())
    await ledger.open()
    fill(disk / "ballast")
    for _ in range(500):
        ledger.note(call(ledger))
    await until(lambda: ledger.trouble is not None)
    assert "the disk is full" in str(ledger.trouble)
    (disk / "ballast").unlink()
    await until(lambda: ledger.trouble is None)
    await ledger.aclose()

    assert len(calls(path)) == 500
