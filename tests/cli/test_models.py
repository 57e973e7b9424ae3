"""`harness models` and the models' part of the status."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from harness.clock import SystemClock
from harness.config.home import Home
from harness.models.ledger.call import Call, CallOutcome, ModelLoad
from harness.models.ledger.ledger import Ledger
from harness.models.pool.state import (
    CallState,
    HostState,
    LineState,
    PoolState,
    ResidentState,
)
from harness.services.board import Board
from harness.services.lock import HomeLock
from tests.cli.conftest import Harness

HEAVY = ("pydantic", "httpx", "ollama", "sqlmodel", "sqlalchemy", "typer", "structlog")
SETTINGS = """
models:
  default: chat
  small: tiny
  hosts: [{name: gpu, url: 'http://127.0.0.1:9'}]
  limits: {agents: {scout: 100}}
  profiles:
    chat: {provider: ollama, model: 'big:8b', num_ctx: 8192, fallback: [offline]}
    tiny:
      {provider: openai, model: mini, base_url: 'https://models.example/v1',
       price: {prompt: 1, completion: 4}}
    offline: {provider: extractive}
"""
STATE = PoolState(
    hosts=(
        HostState(
            *("gpu", "http://127.0.0.1:9", 2, None, None, None, 1.0),
            residents=(
                ResidentState(
                    *("big:8b", 8192, 5 << 30, 0.0),
                    running=(CallState("scout", "01T", "session", "P1", 3.0, "it is urgent"),),
                ),
            ),
        ),
    ),
    lines=(LineState("small:1b", ("gpu",), 4, "P2", 61.0, "other models have the memory"),),
)


@pytest.fixture(autouse=True)
def settings(home: Home) -> None:
    home.settings_file.write_text(SETTINGS)


async def note(home: Home, *, evicted: tuple[str, ...] = ()) -> None:
    """A day of three answers, one failure and one load."""
    ledger, now = Ledger(home.ledger, SystemClock()), datetime.now(UTC)
    for number in range(4):
        ledger.note(
            Call(
                *(ledger.ids(), ledger.run, now, "scout", "01T", "session", "P1", "chat"),
                model="ollama/big:8b",
                host="gpu",
                queue_s=float(number),
                total_s=float(number + 1),
                prompt_tokens=30,
                completion_tokens=10,
                outcome=CallOutcome.FAILED if number == 3 else CallOutcome.DONE,
            )
        )
    ledger.note(ModelLoad(ledger.ids(), now, "gpu", "big:8b", 8192, 2.0, evicted))
    await ledger.aclose()


def test_the_profiles_are_listed_with_what_they_fall_back_on(harness: Harness) -> None:
    chat, tiny, offline = harness("models", "list", "--json").document

    assert (chat["chain"], chat["hosts"], chat["default"]) == (["chat", "offline"], ["gpu"], True)
    assert chat["present"] is None
    assert "nothing answers there" in chat["trouble"]
    assert (tiny["small"], tiny["price"]) == (True, {"prompt": 1.0, "completion": 4.0})
    assert offline["present"] is True
    assert "big:8b" in harness("models", "list").out


async def test_use_of_today_is_told_without_a_daemon(harness: Harness, home: Home) -> None:
    await note(home, evicted=("small:1b",))

    shown = harness("models", "ps", "--json").document

    today, (model,) = shown["today"], shown["today"]["models"]
    assert (shown["daemon"], shown["hosts"][0]["reachable"]) == (False, False)
    assert today["outcomes"] == {"done": 3, "failed": 1}
    assert (today["loads"], today["swaps"], today["tokens"]) == (1, 1, 160)
    assert model["queue_s"] == {"p50": 1.0, "p95": 2.0, "p99": 2.0}
    assert today["agents"]["scout"]["tokens"] == 160
    (limit,) = today["limits"]
    assert (limit["agent"], limit["used"], limit["over"]) == ("scout", 160, True)
    told = harness("models", "ps").out
    assert "3 done, 1 failed" in told
    assert "away: nothing answers there" in told


async def test_what_was_used_is_told_day_by_day(harness: Harness, home: Home) -> None:
    await note(home)

    (row,) = harness("models", "days", "--json").document

    assert {key: row[key] for key in ("agent", "tokens", "gpu_s", "money")} == {
        "agent": "scout",
        "tokens": 160,
        "gpu_s": 0.0,
        "money": 0.0,
    }
    assert "scout  160" in harness("models", "days").out


async def test_what_runs_and_waits_is_told_with_its_reason(harness: Harness, home: Home) -> None:
    with HomeLock(home):
        await Board(home.pool, lambda: STATE, SystemClock()).step()
        shown = harness("models", "ps", "--json").document
        told = harness("models", "ps").out

    (running,), (line,) = shown["hosts"][0]["running"], shown["waiting"]
    assert (running["agent"], running["model"], running["why"]) == (
        "scout",
        "big:8b",
        "it is urgent",
    )
    assert (line["model"], line["waiting"], line["priority"]) == ("small:1b", 4, "P2")
    assert "other models have the memory" in told
    assert "1m ago" in told


async def test_what_an_ended_daemon_hung_out_is_not_believed(harness: Harness, home: Home) -> None:
    home.state.mkdir(exist_ok=True)
    await Board(home.pool, lambda: STATE, SystemClock()).step()

    shown = harness("models", "ps", "--json").document

    assert (shown["daemon"], shown["waiting"]) == (False, [])


async def test_the_status_has_a_line_of_models(harness: Harness, home: Home) -> None:
    assert "models" not in harness("status").out.split()
    await note(home)

    with HomeLock(home):
        await Board(home.pool, lambda: STATE, SystemClock()).step()
        told = harness("status").out
        shape = harness("status", "--json").document["models"]

    assert "big:8b loaded; 4 calls, 160 tokens and 0 swaps today" in told
    assert "models.limits.agents.scout is used up" in told
    assert shape == {
        "loaded": ["big:8b"],
        "calls": 4,
        "tokens": 160,
        "loads": 1,
        "swaps": 0,
        "over": ["models.limits.agents.scout"],
        "trouble": None,
    }


def test_a_ledger_that_cannot_be_read_leaves_the_status_readable(
    harness: Harness, home: Home
) -> None:
    home.state.mkdir()
    home.ledger.write_bytes(b"no database " * 500)

    said = harness("status")

    assert "the ledger cannot be read" in said.out
    used = harness("models", "ps")
    assert used.code == 1
    assert "nothing answers there" in used.out
    assert "the ledger cannot be read" in used.out


async def test_the_board_is_written_only_when_something_changed(home: Home) -> None:
    home.state.mkdir()
    board = Board(home.pool, lambda: PoolState(), SystemClock())
    await board.step()
    before = home.pool.stat().st_ino

    await board.step()

    assert home.pool.stat().st_ino == before
    assert json.loads(home.pool.read_text())["hosts"] == []


def test_reading_the_ledger_waits_for_nothing_that_talks_to_models() -> None:
    program = (
        "import sys, harness.models.ledger.reader;"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert said.stdout.strip() == "[]"


def test_a_home_that_never_ran_has_used_nothing(harness: Harness) -> None:
    assert harness("models", "ps", "--json").document["today"]["calls"] == 0
