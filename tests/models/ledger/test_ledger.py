"""The ledger: written behind the back of the calls, whatever the disk does."""

from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from harness.clock import Clock, FakeClock
from harness.errors import HarnessError
from harness.models.ledger import ledger as module
from harness.models.ledger.call import COLUMNS, Call, CallOutcome, ModelLoad
from harness.models.ledger.ledger import Ledger
from harness.models.ledger.rows import CALLS, LOADS, call_of, load_of
from harness.models.limits.amount import Amount

MARCH = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANGELES = ZoneInfo("America/Los_Angeles")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(MARCH)


@asynccontextmanager
async def opened(path: Path, clock: Clock) -> AsyncIterator[Ledger]:
    ledger = Ledger(path, clock)
    await ledger.open()
    try:
        yield ledger
    finally:
        await ledger.aclose()


def call(ledger: Ledger, **known: object) -> Call:
    made = Call(
        id=ledger.ids(),
        run=ledger.run,
        at=ledger.clock.now(),
        agent="scout",
        task="01T",
        purpose="session",
        priority="P1",
        profile="chat",
        model="ollama/small",
    )
    return replace(made, **known)  # type: ignore[arg-type]


def rows(path: Path) -> list[Call]:
    """All of them; none of a file that is just being made."""
    with closing(sqlite3.connect(path)) as db:
        if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'calls'").fetchone():
            return []
        return [call_of(row) for row in db.execute(f"{CALLS} ORDER BY id")]


def sums(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT * FROM days ORDER BY day, agent, model, outcome").fetchall()


async def test_a_call_comes_back_as_it_was_noted(path: Path, clock: FakeClock) -> None:
    async with opened(path, clock) as ledger:
        made = call(
            ledger, first_s=0.5, reused=0.9, outcome=CallOutcome.DONE, estimated=False, money=0.25
        )
        ledger.note(made)

    assert rows(path) == [made]


async def test_the_last_word_about_a_call_holds(path: Path, clock: FakeClock) -> None:
    async with opened(path, clock) as ledger:
        begun = call(ledger, prompt_tokens=100)
        ledger.note(begun)
        await until(lambda: rows(path) == [begun])
        ended = replace(begun, completion_tokens=20, outcome=CallOutcome.DONE)
        ledger.note(ended)
        await until(lambda: rows(path) == [ended])


async def test_a_load_comes_back_as_it_was_noted(path: Path, clock: FakeClock) -> None:
    load = ModelLoad("01L", MARCH, "local", "small", 16_384, 3.5, ("large",))
    async with opened(path, clock) as ledger:
        ledger.note(load)

    with closing(sqlite3.connect(path)) as db:
        assert [load_of(row) for row in db.execute(LOADS)] == [load]


async def test_the_spent_of_a_day_is_that_of_its_zone(path: Path, clock: FakeClock) -> None:
    async with opened(path, clock) as ledger:
        evening = datetime(2026, 3, 3, 7, 59, 59, tzinfo=UTC)  # 23:59:59 of the 2nd there
        for at in (evening, evening + timedelta(seconds=1)):
            ledger.note(call(ledger, at=at, prompt_tokens=10, gpu_s=1.5, money=0.5))
        ledger.note(call(ledger, at=evening, agent="sage", completion_tokens=7))
        ledger.note(call(ledger, at=evening, purpose="embed", prompt_tokens=1_000))
        await until(lambda: len(rows(path)) == 4)

        spent = ledger.day(evening.astimezone(ANGELES).date(), ANGELES)

    assert spent == {"scout": Amount(10, 1.5, 0.5), "sage": Amount(7, 0.0, 0.0)}


async def test_a_ledger_that_is_not_there_yet_has_spent_nothing(
    path: Path, clock: FakeClock
) -> None:
    assert Ledger(path, clock).day(MARCH.date(), UTC) == {}


async def test_calls_of_a_process_that_died_are_lost_and_stay_charged(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(path, clock) as died:
        died.note(call(died, prompt_tokens=300))
        died.note(call(died, prompt_tokens=10, outcome=CallOutcome.DONE))
    clock.shift(timedelta(seconds=1))

    async with opened(path, clock) as ledger:
        ledger.note(call(ledger, prompt_tokens=1))
        spent = ledger.day(MARCH.date(), UTC)

    assert [row.outcome for row in rows(path)] == ["lost", "done", "open"]
    assert spent["scout"].tokens == 310
    assert "1 model calls were lost" in caplog.text


async def test_a_damaged_ledger_is_put_aside_and_begun_anew(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(b"no database at all, " * 500)

    async with opened(path, clock) as ledger:
        ledger.note(call(ledger))

    assert len(rows(path)) == 1
    (aside,) = path.parent.glob("ledger.db.damaged-*")
    assert aside.read_bytes().startswith(b"no database")
    assert f"put aside as {aside.name}" in caplog.text


async def test_a_ledger_of_a_few_bytes_is_damaged_too(path: Path, clock: FakeClock) -> None:
    path.write_bytes(b"x")

    async with opened(path, clock) as ledger:
        ledger.note(call(ledger))

    assert len(rows(path)) == 1
    assert list(path.parent.glob("ledger.db.damaged-*"))


async def test_a_ledger_that_is_damaged_under_our_hands_is_begun_anew_with_what_waits(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.05)
    async with opened(path, clock) as ledger:
        for _ in range(200):
            ledger.note(call(ledger))
        await until(lambda: len(rows(path)) == 200)
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with path.open("r+b") as file:
            file.write(b"\0" * path.stat().st_size)

        last = call(ledger, agent="sage")
        ledger.note(last)
        await until(lambda: list(path.parent.glob("ledger.db.damaged-*")) != [])
        await until(lambda: rows(path) == [last])


async def test_a_ledger_that_is_removed_under_our_hands_is_begun_anew_with_what_waits(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.05)
    async with opened(path, clock) as ledger:
        ledger.note(call(ledger))
        await until(lambda: len(rows(path)) == 1)
        for each in path.parent.glob("ledger.db*"):
            each.unlink()

        last = call(ledger, agent="sage")
        ledger.note(last)
        await until(path.exists)
        await until(lambda: rows(path) == [last])

    assert "was removed or replaced" in caplog.text


async def test_a_locked_ledger_keeps_no_call_waiting_and_is_written_later(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.05)
    async with opened(path, clock) as ledger:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            begun = time.perf_counter()
            for _ in range(100):
                ledger.note(call(ledger))
            assert time.perf_counter() - begun < 0.5
            await until(lambda: ledger.trouble is not None)
            other.execute("ROLLBACK")

        await until(lambda: ledger.trouble is None)

    assert len(rows(path)) == 100
    assert caplog.text.count("the ledger cannot be written") == 1


async def test_a_ledger_that_cannot_be_made_is_told_once_a_while(
    path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.01)
    path.mkdir()

    with caplog.at_level(logging.ERROR):
        async with opened(path, clock) as ledger:
            ledger.note(call(ledger))
            await asyncio.sleep(0.2)
            told = caplog.text.count("the ledger cannot be written")
            await clock.advance(module.TOLD_SECONDS)
            await until(lambda: caplog.text.count("the ledger cannot be written") == 2)

    assert told == 1
    assert "1 entries of" in caplog.text


async def test_what_waits_for_a_disk_is_bounded(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    ledger = Ledger(path, clock)
    made = [call(ledger) for _ in range(5)]
    for each in made:
        ledger.note(each)
    await ledger.aclose()

    assert rows(path) == made[2:]
    assert ledger.dropped == 2


async def test_old_days_become_sums_and_the_days_before_stay_rows(
    path: Path, clock: FakeClock
) -> None:
    async with opened(path, clock) as ledger:
        for days in (89, 92, 92, 300):
            at = MARCH - timedelta(days=days)
            ended = call(ledger, at=at, prompt_tokens=10, completion_tokens=5, gpu_s=2.0)
            ledger.note(replace(ended, outcome=CallOutcome.DONE))
        await until(lambda: len(rows(path)) == 4)

        before = ledger.day(date(2025, 11, 30), ANGELES)
        assert await ledger.tidy(MARCH, ANGELES) == 3
        assert await ledger.tidy(MARCH, ANGELES) == 0
        assert ledger.day(date(2025, 11, 30), ANGELES) == before

    assert len(rows(path)) == 1
    assert [(row[0], *row[3:8]) for row in sums(path)] == [
        ("2025-05-06", "done", 1, 10, 5, 2.0),
        ("2025-11-30", "done", 2, 20, 10, 4.0),
    ]


async def test_the_columns_are_the_fields_of_a_call(path: Path, clock: FakeClock) -> None:
    async with opened(path, clock):
        pass

    with closing(sqlite3.connect(path)) as db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(calls)")]

    assert tuple(columns) == COLUMNS


async def test_a_ledger_of_a_newer_program_is_left_alone(path: Path, clock: FakeClock) -> None:
    async with opened(path, clock):
        pass
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")

    async with opened(path, clock) as ledger:
        ledger.note(call(ledger))
        assert ledger.trouble is not None
        assert "schema 99" in ledger.trouble

    assert rows(path) == []
    with pytest.raises(HarnessError, match="schema 99"):
        Ledger(path, clock).day(MARCH.date(), UTC)


async def test_many_calls_at_once_are_all_written(path: Path, clock: FakeClock) -> None:
    async def one(ledger: Ledger) -> Call:
        begun = call(ledger)
        ledger.note(begun)
        await asyncio.sleep(0.001)
        ended = replace(begun, outcome=CallOutcome.DONE, completion_tokens=5)
        ledger.note(ended)
        return ended

    async with opened(path, clock) as ledger:
        made = await asyncio.gather(*(one(ledger) for _ in range(1_000)))

    assert sorted(rows(path), key=lambda row: row.id) == sorted(made, key=lambda row: row.id)


async def until(holds: object) -> None:
    """Wait for what a thread does; the test's own time limit ends it."""
    async with asyncio.timeout(20):
        while not holds():  # type: ignore[operator]
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "unfit",
    [
        {"prompt_tokens": 1 << 70},
        {"agent": "\ud800"},
        {"eval_s": math.nan},
        {"model": "'; DROP TABLE calls; --"},
    ],
)
async def test_an_entry_that_no_row_can_hold_stops_no_other(
    path: Path, clock: FakeClock, unfit: dict[str, object]
) -> None:
    ledger = Ledger(path, clock)
    ledger.note(call(ledger, **unfit))
    ledger.note(call(ledger, model="ollama/sound"))
    await ledger.aclose()

    models = {each.model for each in rows(path)}
    assert "ollama/sound" in models
    assert len(models) + ledger.dropped == 2
