"""What the doctor says of the limits of the day."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from harness.clock import FakeClock
from harness.config.home import Home
from harness.doctor.finding import Level
from harness.models.ledger.call import Call, CallOutcome
from harness.models.ledger.ledger import Ledger
from tests.doctor.conftest import Look

SETTINGS = "models: {limits: {tokens: 100000, agents: {scout: 10000}}}\n"


async def spend(path: Path, clock: FakeClock, tokens: int) -> None:
    ledger = Ledger(path, clock)
    await ledger.open()
    call = Call(
        id=ledger.ids(),
        run=ledger.run,
        at=clock.now(),
        agent="scout",
        task=None,
        purpose="session",
        priority="P1",
        profile="chat",
        model="ollama/small",
        prompt_tokens=tokens,
        outcome=CallOutcome.DONE,
    )
    ledger.note(call)
    await ledger.aclose()


@pytest.mark.usefixtures("scout")
async def test_a_limit_that_is_nearly_used_up_is_told(
    home: Home, clock: FakeClock, look: Look
) -> None:
    home.settings_file.write_text(SETTINGS)
    await spend(home.ledger, clock, 9_500)

    (found,) = look("limits")

    assert found.level is Level.WARNING
    assert found.message == (
        "9,500 of 10,000 tokens a day used (scout);"
        " there is all of it again at 2026-01-02 00:00 UTC"
    )
    assert found.fix == f"edit {home.settings_file}: models.limits.agents.scout"


@pytest.mark.usefixtures("scout")
async def test_a_limit_with_room_and_one_of_yesterday_are_no_matter(
    home: Home, clock: FakeClock, look: Look
) -> None:
    home.settings_file.write_text(SETTINGS)
    await spend(home.ledger, clock, 8_900)
    tomorrow = datetime.fromisoformat("2026-01-02T00:00:00Z")

    assert look("limits") == []
    assert look("limits", now=tomorrow) == []


@pytest.mark.usefixtures("scout")
def test_without_a_ledger_nothing_was_used(home: Home, look: Look) -> None:
    home.settings_file.write_text(SETTINGS)

    assert look("limits") == []
    assert not home.ledger.exists()


@pytest.mark.usefixtures("scout")
def test_limits_by_a_ledger_that_cannot_be_read_are_not_looked_at(home: Home, look: Look) -> None:
    home.settings_file.write_text(SETTINGS)
    home.ledger.parent.mkdir(parents=True, exist_ok=True)
    home.ledger.write_bytes(b"no database" * 1000)

    (found,) = look("limits")

    assert (found.level, found.message) == (
        Level.HINT,
        "not looked at: the ledger cannot be read",
    )
