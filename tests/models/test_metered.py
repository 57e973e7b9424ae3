"""A model with books: looked up, limited, written down, whatever becomes of the call."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, tzinfo

import pytest

from harness.clock import FakeClock
from harness.config.priority import Priority
from harness.config.settings import CacheSettings, LimitSettings, ModelProfile, Price
from harness.models.asked import AskedBy
from harness.models.books import Books
from harness.models.cache.cache import Cache
from harness.models.ledger.call import Call, CallOutcome, ModelLoad
from harness.models.ledger.ledger import NoLedger
from harness.models.limits.amount import Amount
from harness.models.limits.limits import Limits
from harness.models.metered import Metered, Terms
from harness.models.port import (
    Asker,
    BadReply,
    ChatRequest,
    Message,
    Model,
    ModelUnavailable,
    OnDelta,
    OverLimit,
    Reply,
    Role,
    Usage,
    estimate_prompt,
)
from harness.models.scripted import ScriptedModel
from harness.models.sitting import SLACK_SECONDS

SCOUT = Asker("scout", "01T", Priority.P2, "session")
ASKED = ChatRequest((Message(Role.USER, "What is new under the sun?"),), asker=SCOUT)
TIMED = {"queue": 1.0, "load": 2.0, "prompt": 0.25, "eval": 0.5}
CHAT = ModelProfile(provider="ollama", model="small")


def nothing_yet(day: date, zone: tzinfo) -> Mapping[str, Amount]:
    return {}


class Remembered(NoLedger):
    """A ledger in memory: the last word about each call."""

    run = "01RUN"

    def __init__(self) -> None:
        self.kept: dict[str, Call | ModelLoad] = {}

    def ids(self) -> str:
        return f"{len(self.kept):026}"

    def note(self, entry: Call | ModelLoad) -> None:
        self.kept[entry.id] = entry

    @property
    def calls(self) -> list[Call]:
        return [each for each in self.kept.values() if isinstance(each, Call)]


class Slow:
    """A model that says a piece, then does what the test wants."""

    name = "ollama/small"
    context_tokens = 4096

    def __init__(self, then: Callable[[OnDelta], object], *pieces: str | None) -> None:
        self.then = then
        self.pieces = pieces

    async def chat(self, request: ChatRequest, on_delta: OnDelta | None = None) -> Reply:
        assert on_delta is not None
        for piece in self.pieces:
            on_delta(piece)
        said = self.then(on_delta)
        if inspect.isawaitable(said):
            said = await said
        assert isinstance(said, Reply)
        return said

    async def probe(self) -> str | None:
        return None

    async def aclose(self) -> None:
        pass


def answer(**known: object) -> Reply:
    reply = Reply(
        Message(Role.ASSISTANT, "Nothing."), Usage(100, 20), "ollama/small", timings=TIMED
    )
    return replace(reply, **known)  # type: ignore[arg-type]


class Desk:
    """A metered model and its books."""

    def __init__(
        self,
        model: Model,
        profile: ModelProfile = CHAT,
        limits: LimitSettings | None = None,
        cache: CacheSettings | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.ledger = Remembered()
        self.limits = Limits(limits or LimitSettings(), nothing_yet, self.clock, UTC)
        self.books = Books(self.ledger, self.limits)
        if cache is not None:
            self.books = replace(self.books, cache=Cache(cache, self.clock))
        self.model = Metered(model, self.books, Terms.of("chat", profile), self.clock)

    @property
    def row(self) -> Call:
        (row,) = self.ledger.calls
        return row

    @property
    def used(self) -> float:
        return self.limits.standing()[0].used

    @property
    def held(self) -> float:
        return self.limits.standing()[0].held


async def test_an_answer_is_written_down_with_who_asked_and_what_it_took() -> None:
    said = answer(host="local", why="it is urgent")
    desk = Desk(ScriptedModel([said]), limits=LimitSettings(tokens=50_000))

    assert await desk.model.chat(ASKED) is said

    row = desk.row
    assert (row.agent, row.task, row.priority, row.purpose) == ("scout", "01T", "P2", "session")
    assert (row.profile, row.model, row.host) == ("chat", "ollama/small", "local")
    assert (row.why, row.outcome) == ("it is urgent", CallOutcome.DONE)
    assert (row.prompt_tokens, row.completion_tokens, row.estimated) == (100, 20, False)
    assert (row.queue_s, row.load_s, row.prompt_s, row.eval_s) == (1.0, 2.0, 0.25, 0.5)
    assert row.gpu_s == 0.75
    assert (desk.used, desk.held) == (120, 0)


async def test_a_call_is_open_in_the_ledger_while_it_lasts() -> None:
    seen: list[Call] = []

    def look(request: ChatRequest) -> Reply:
        seen.append(desk.row)
        return answer()

    desk = Desk(ScriptedModel(look))
    await desk.model.chat(ASKED)

    assert seen[0].outcome is CallOutcome.OPEN
    assert seen[0].prompt_tokens == estimate_prompt(ASKED)


async def test_a_hosted_model_costs_its_price() -> None:
    profile = ModelProfile(provider="openai", model="big", price=Price(prompt=2.0, completion=10.0))
    desk = Desk(ScriptedModel([answer()]), profile)

    await desk.model.chat(ASKED)

    assert desk.row.money == pytest.approx((100 * 2.0 + 20 * 10.0) / 1e6)
    assert desk.row.gpu_s == 0


async def test_what_needs_no_model_takes_nothing() -> None:
    extractive = ModelProfile(provider="extractive")
    desk = Desk(ScriptedModel([answer()]), extractive, LimitSettings(tokens=1))

    await desk.model.chat(ASKED)

    assert desk.row.prompt_tokens == desk.row.completion_tokens == 0
    assert desk.used == 0


async def test_a_call_without_room_asks_nobody_and_is_written_down() -> None:
    model = ScriptedModel([answer()])
    desk = Desk(model, limits=LimitSettings(tokens=10))

    with pytest.raises(OverLimit):
        await desk.model.chat(ASKED)

    assert model.requests == []
    assert (desk.row.outcome, desk.row.error) == (CallOutcome.OVER_LIMIT, "OverLimit")
    assert desk.row.prompt_tokens == 0


async def test_an_answer_is_no_longer_than_the_limit_leaves_room() -> None:
    model = ScriptedModel([answer()])
    desk = Desk(model, limits=LimitSettings(tokens=5_000))

    await desk.model.chat(ASKED)

    assert model.requests[0].max_tokens is not None
    assert model.requests[0].max_tokens < 5_000


async def test_without_limits_the_request_goes_out_as_it_came() -> None:
    model = ScriptedModel([answer()])
    desk = Desk(model)

    await desk.model.chat(ASKED)

    assert model.requests == [ASKED]


async def test_a_failed_call_gives_back_what_it_held() -> None:
    gone = ScriptedModel([ModelUnavailable("gone")])
    desk = Desk(gone, limits=LimitSettings(tokens=50_000))

    with pytest.raises(ModelUnavailable):
        await desk.model.chat(ASKED)

    assert (desk.row.outcome, desk.row.error) == (CallOutcome.FAILED, "ModelUnavailable")
    assert (desk.row.prompt_tokens, desk.used, desk.held) == (0, 0, 0)


async def test_a_reply_that_cannot_be_read_was_paid_for_all_the_same() -> None:
    desk = Desk(ScriptedModel([BadReply("broken", "x" * 360)]), limits=LimitSettings(tokens=50_000))

    with pytest.raises(BadReply):
        await desk.model.chat(ASKED)

    assert desk.row.completion_tokens == 100
    assert desk.used == 100 + estimate_prompt(ASKED)


async def test_a_call_that_is_cancelled_settles_what_was_heard() -> None:
    def hang(heard: OnDelta) -> object:
        return asyncio.get_running_loop().create_future()

    desk = Desk(Slow(hang, "x" * 36), limits=LimitSettings(tokens=50_000))
    calling = asyncio.create_task(desk.model.chat(ASKED))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling

    assert desk.row.outcome is CallOutcome.CANCELLED
    assert desk.row.completion_tokens == 10
    assert desk.row.estimated
    assert (desk.used, desk.held) == (10 + estimate_prompt(ASKED), 0)


async def test_a_call_that_is_cancelled_in_its_line_takes_nothing() -> None:
    def hang(heard: OnDelta) -> object:
        return asyncio.get_running_loop().create_future()

    desk = Desk(Slow(hang), limits=LimitSettings(tokens=50_000))
    calling = asyncio.create_task(desk.model.chat(ASKED))
    await asyncio.sleep(0)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling

    assert (desk.row.prompt_tokens, desk.used, desk.held) == (0, 0, 0)


async def test_a_call_that_is_sent_back_is_two_rows_and_both_are_paid() -> None:
    heard: list[str | None] = []
    desk = Desk(
        Slow(lambda on_delta: answer(), "x" * 36, None, "Nothing."),
        limits=LimitSettings(tokens=50_000),
    )

    await desk.model.chat(ASKED, heard.append)

    first, second = desk.ledger.calls
    assert (first.outcome, first.completion_tokens) == (CallOutcome.SENT_BACK, 10)
    assert (second.outcome, second.completion_tokens) == (CallOutcome.DONE, 20)
    assert desk.used == 120 + 10 + estimate_prompt(ASKED)
    assert heard == ["x" * 36, None, "Nothing."]


async def test_the_time_to_the_first_word_is_measured() -> None:
    async def later(heard: OnDelta) -> Reply:
        await desk.clock.advance(3.0)
        heard("No")
        await desk.clock.advance(1.5)
        return answer()

    desk = Desk(Slow(later))
    await desk.model.chat(ASKED)

    assert (desk.row.first_s, desk.row.total_s) == (3.0, 4.5)


async def test_the_same_question_is_answered_from_the_cache_and_that_is_a_row() -> None:
    model = ScriptedModel([answer()])
    desk = Desk(model, cache=CacheSettings())
    cold = replace(ASKED, temperature=0)
    heard: list[str | None] = []

    await desk.model.chat(cold)
    again = await desk.model.chat(cold, heard.append)

    assert again.cached
    assert len(model.requests) == 1
    assert heard == ["Nothing."]
    assert [row.outcome for row in desk.ledger.calls] == ["done", "cached"]
    assert desk.ledger.calls[1].prompt_tokens == 0


async def test_the_share_of_a_prompt_that_was_sent_before_is_known() -> None:
    desk = Desk(ScriptedModel([answer()] * 5))
    first = (Message(Role.SYSTEM, "s" * 100), Message(Role.USER, "u" * 100))
    more = (*first, Message(Role.ASSISTANT, "a" * 50))
    other = (Message(Role.SYSTEM, "S" * 100), *first[1:])

    for messages in (first, more, other, first):
        await desk.model.chat(replace(ASKED, messages=messages))
    await desk.model.chat(replace(ASKED, messages=more, asker=replace(SCOUT, task="01U")))

    reused = [row.reused for row in desk.ledger.calls]
    assert reused[0] is None
    assert reused[1] == pytest.approx(200 / 250, abs=0.01)
    assert reused[2:4] == pytest.approx([0.0, 0.0], abs=0.01)
    assert reused[4] is None


async def test_a_view_stamps_who_asks_and_keeps_the_purpose_that_a_request_names() -> None:
    model = ScriptedModel(["One.", "Two."])
    view = AskedBy(model, SCOUT)

    await view.chat(ChatRequest(ASKED.messages))
    await view.chat(ChatRequest(ASKED.messages, asker=Asker(purpose="summary")))

    assert [request.asker for request in model.requests] == [
        SCOUT,
        replace(SCOUT, purpose="summary"),
    ]


async def test_no_server_can_say_that_a_call_took_longer_than_it_did() -> None:
    lie = {"prompt": 9e9, "eval": 9e9, "total": 9e9}
    desk = Desk(ScriptedModel([answer(timings=lie)], name="ollama/small"))

    await desk.model.chat(ASKED)

    assert desk.row.gpu_s <= 2 * SLACK_SECONDS
