"""The day goes on after a restart: what the ledger says is what the limits counted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path

import pytest

from harness.clock import FakeClock
from harness.config.settings import LimitSettings, ModelProfile, Price
from harness.models.books import Books
from harness.models.ledger.ledger import Ledger
from harness.models.limits.amount import Amount
from harness.models.limits.limits import Limits
from harness.models.metered import Metered, Terms
from harness.models.port import Asker, ChatRequest, Message, OverLimit, Reply, Role, Usage
from harness.models.scripted import ScriptedModel

PROFILE = ModelProfile(
    provider="openai",
    model="dear",
    base_url="https://api.example.com/v1",
    price=Price(prompt=3, completion=9),
)
SETTINGS = LimitSettings(tokens=6_000, agent=5_000, money=1)


def asked(agent: str) -> ChatRequest:
    return ChatRequest([Message(Role.USER, "What is new?")], asker=Asker(agent), max_tokens=800)


def answer(prompt: int, completion: int) -> Reply:
    return Reply(Message(Role.ASSISTANT, "Nothing."), Usage(prompt, completion), "openai/dear")


class Daemon:
    """One process with its books, from its start to its end."""

    def __init__(self, path: Path, clock: FakeClock, *answers: Reply) -> None:
        self.ledger = Ledger(path, clock)
        self.limits = Limits(SETTINGS, self.ledger.day, clock, UTC)
        model = ScriptedModel(list(answers), name="openai/dear")
        books = Books(self.ledger, self.limits)
        self.model = Metered(model, books, Terms.of("hosted", PROFILE), clock)

    def used(self) -> dict[str, float]:
        return {
            f"{each.limit.key} {each.limit.whose}": each.used for each in self.limits.standing()
        }


async def test_a_daemon_goes_on_with_what_the_one_before_it_used(tmp_path: Path) -> None:
    clock = FakeClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
    first = Daemon(tmp_path / "ledger.db", clock, answer(900, 700), answer(800, 300))
    await first.ledger.open()
    await first.model.chat(asked("scout"))
    await first.model.chat(asked("zoe"))
    await first.ledger.aclose()

    second = Daemon(tmp_path / "ledger.db", clock, answer(3_300, 0))

    assert second.used() == pytest.approx(first.used())
    assert second.used()["models.limits.tokens all agents together"] == 2_700
    assert second.used()["models.limits.money all agents together"] == pytest.approx(0.0141)
    await second.ledger.open()
    await second.model.chat(asked("scout"))
    with pytest.raises(OverLimit, match="4,900 tokens are used"):
        await second.model.chat(asked("scout"))
    await second.ledger.aclose()


async def test_a_new_day_begins_with_nothing_whoever_starts_it(tmp_path: Path) -> None:
    clock = FakeClock(datetime(2026, 3, 2, 23, 50, tzinfo=UTC))
    first = Daemon(tmp_path / "ledger.db", clock, answer(3_000, 700))
    await first.ledger.open()
    await first.model.chat(asked("scout"))
    await first.ledger.aclose()

    await clock.advance(1200)

    assert set(Daemon(tmp_path / "ledger.db", clock).used().values()) == {0}


async def test_a_ledger_that_cannot_be_read_for_a_moment_gives_nobody_a_second_day(
    tmp_path: Path,
) -> None:
    clock = FakeClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
    first = Daemon(tmp_path / "ledger.db", clock, answer(4_000, 900))
    await first.ledger.open()
    await first.model.chat(asked("scout"))
    await first.ledger.aclose()

    second = Daemon(tmp_path / "ledger.db", clock, answer(30, 10))
    await second.ledger.open()
    read, second.limits.account = second.limits.account, broken
    await second.model.chat(asked("scout"))
    second.limits.account = read
    await clock.advance(5)

    with pytest.raises(OverLimit):
        await second.model.chat(asked("scout"))
    await second.ledger.aclose()


def broken(day: date, zone: tzinfo) -> Mapping[str, Amount]:
    raise OSError("the disk hiccups")
