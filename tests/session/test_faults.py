"""Each fault of a model's server as a session meets it: it ends for the right reason, or goes on
with the next model of its chain; and every attempt is in the books, once and closed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, tzinfo

import pytest

from harness.bus.port import Outcome
from harness.config.settings import LimitSettings, ModelProfile
from harness.models.books import Books
from harness.models.chain import FallbackModel
from harness.models.extractive import ExtractiveModel
from harness.models.limits.amount import Amount
from harness.models.limits.limits import Limits
from harness.models.metered import Metered, Terms
from harness.models.ollama import OllamaModel
from harness.models.port import BadReply, Model, ModelBusy, ModelError, ModelUnavailable
from harness.session.brief import Brief
from harness.session.loop import Session
from harness.session.steps import Ended, Reason, Replied, Step, ToolFinished, ToolStarted
from tests.doubles.ollama import Answer, OllamaDouble, call
from tests.models.faulty import CASES, MODEL, Before, Case, befall, double, heal
from tests.models.pool.using import House, house
from tests.models.test_metered import Remembered
from tests.session.doubles import Hand, steps_of
from tests.virtual_http import VirtualClock, in_virtual_time


def kind(case: Case) -> tuple[object, ...]:
    """What makes a difference to a session: at which point it is, and what comes of it."""
    return case.name.partition(":")[0].partition(" after ")[0], case.error, case.before


# one of each kind
MET = [*{kind(case): case for case in CASES if case.before is not Before.OTHER}.values()]
BRIEF = Brief("task-1", "scout", "You are Scout.", "Find the lighthouses.")
FOUND = Answer("Three lighthouses.")
ASKS = Answer(calls=[call("rss", limit=3)])


def nothing_yet(day: date, zone: tzinfo) -> Mapping[str, Amount]:
    return {}


@dataclass
class Desk:
    """Two servers, of which the first will be befallen, and the books of those who ask them."""

    at: House
    first: OllamaDouble
    second: OllamaDouble
    ledger: Remembered
    limits: Limits

    def model(self, host: str) -> Model:
        model = OllamaModel(self.at.pool, MODEL, clock=self.at.clock, hosts=frozenset({host}))
        return self.metered(model, ModelProfile(provider="ollama", model=MODEL))

    def metered(self, model: Model, profile: ModelProfile) -> Model:
        terms = Terms.of(profile.provider, profile)
        return Metered(model, Books(self.ledger, self.limits), terms, self.at.clock)

    async def session(self, case: Case, *models: Model) -> list[Step]:
        """All steps of one that is befallen before its first turn, or before its second."""

        async def rss(limit: int) -> str:
            await befall(case, self.first)
            return "three lighthouses"

        if case.before is Before.NOTHING:
            await befall(case, self.first)
        else:
            self.first.say(ASKS)
        chain = FallbackModel(models, self.at.clock)
        return await steps_of(Session(BRIEF, chain, Hand(rss=rss), self.at.clock))

    @property
    def outcomes(self) -> list[str]:
        """Of all attempts in their order."""
        return [row.outcome.value for row in sorted(self.ledger.calls, key=lambda row: row.id)]


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    clock = VirtualClock()
    limits = Limits(LimitSettings(tokens=10**9), nothing_yet, clock, UTC)
    first, second = (double(clock=clock, answers=lambda _: FOUND) for _ in range(2))
    async with first, second, house([first, second], clock) as at:
        yield Desk(at, first, second, Remembered(), limits)


def end_of(steps: list[Step]) -> Ended:
    """The end, of a record in which nothing is missing."""
    *before, last = steps
    assert isinstance(last, Ended)
    assert not any(isinstance(step, Ended) for step in before)
    asked = [step.call.id for step in before if isinstance(step, ToolStarted)]
    assert asked == [step.result.call_id for step in before if isinstance(step, ToolFinished)]
    return last


def mended_by_asking_again(case: Case) -> bool:
    return case.error in (ModelBusy, BadReply)


def attempts(case: Case) -> list[str]:
    """What the ledger says of those at the first model."""
    before = [] if case.before is Before.NOTHING else ["done"]
    if case.error is None:
        return [*before, "done"]
    return [*before, "failed", *(["done"] if mended_by_asking_again(case) else [])]


def reason(error: type[ModelError] | None) -> Reason:
    if error is None or error in (ModelBusy, BadReply):
        return Reason.COMPLETED
    return Reason.MODEL_UNAVAILABLE if issubclass(error, ModelUnavailable) else Reason.MODEL_ERROR


def nothing_is_held(at: Desk) -> None:
    assert at.at.is_empty
    assert [limit.held for limit in at.limits.standing()] == [0.0]


@pytest.mark.parametrize("case", MET, ids=str)
@in_virtual_time
async def test_a_session_without_another_model_ends_for_the_right_reason(case: Case) -> None:
    async with desk() as at:
        ended = end_of(await at.session(case, at.model("local")))

        assert ended.reason is reason(case.error)
        assert (ended.outcome is Outcome.DONE) == (ended.reason is Reason.COMPLETED)
        assert ended.retry == (ended.reason is Reason.MODEL_UNAVAILABLE)
        assert bool(ended.detail) == (ended.reason is not Reason.COMPLETED)
        assert at.outcomes == attempts(case)
        nothing_is_held(at)
        await heal(at.first)
        assert (await at.at.ask(MODEL)).message.content == FOUND.text


@pytest.mark.parametrize("case", MET, ids=str)
@in_virtual_time
async def test_a_session_with_another_host_goes_on_there(case: Case) -> None:
    stands_in = reason(case.error) is Reason.MODEL_UNAVAILABLE
    async with desk() as at:
        steps = await at.session(case, at.model("local"), at.model("second"))
        ended = end_of(steps)
        last = next((step.reply for step in reversed(steps) if isinstance(step, Replied)), None)

        assert ended.reason is (Reason.COMPLETED if stands_in else reason(case.error))
        assert ended.result.degraded == stands_in
        assert at.outcomes == [*attempts(case), *(["done"] if stands_in else [])]
        if ended.reason is Reason.COMPLETED:
            assert last is not None
            assert (last.host, last.degraded) == ("second" if stands_in else "local", stands_in)
        nothing_is_held(at)


@pytest.mark.parametrize("case", MET[::4], ids=str)
@in_virtual_time
async def test_a_session_without_any_server_left_is_answered_without_a_model(case: Case) -> None:
    stands_in = reason(case.error) is Reason.MODEL_UNAVAILABLE
    async with desk() as at:
        offline = ModelProfile(provider="extractive", model="extractive")
        extractive = at.metered(ExtractiveModel(at.at.clock), offline)

        ended = end_of(await at.session(case, at.model("local"), extractive))

        assert ended.result.degraded == stands_in
        assert ended.result.text or ended.reason is Reason.MODEL_ERROR
        nothing_is_held(at)
