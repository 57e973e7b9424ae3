"""A session that waited for a person goes on from where it stood, as if it had never stopped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.clock import FakeClock
from harness.models.port import (
    BadReply,
    ChatRequest,
    ModelError,
    PromptTooLong,
    Reply,
    Role,
    ToolCall,
)
from harness.session.brief import Brief, Limits
from harness.session.line import plain, step_of
from harness.session.loop import Notes, Session, no_notes
from harness.session.past import Past, past_of
from harness.session.steps import Compacted, Ended, Reason, Replied, Step, Steps, ToolFinished
from harness.session.transcript import Header, Transcript, record
from harness.tools.tool import ToolResult
from tests.session.doubles import (
    Actor,
    Hand,
    Mailbox,
    Move,
    call,
    echo,
    fail,
    is_summary_question,
    long_story,
    page,
    says,
    steps_of,
)

GOOD = says("Pages of the lighthouse above the sea and the storm were read.")


class Asking(Hand):
    """A toolbox in which `ask`, and `write_ask` alone, wait until a person said yes."""

    def __init__(self, *, yes: bool = False) -> None:
        super().__init__(echo=echo, fail=fail, page=page, ask=echo, write_ask=echo, write=echo)
        self.yes = yes
        self.recalled: list[str] = []

    def recall(self, call: ToolCall, result: ToolResult) -> None:
        self.recalled.append(result.text)

    async def call(self, call: ToolCall) -> ToolResult:
        if call.name.endswith("ask") and not self.yes:
            return ToolResult(call.id, call.name, "waits", ok=False, waits="01QUESTION")
        return await super().call(call)


def a_session(
    model: Actor,
    hand: Asking,
    past: Steps = (),
    *,
    limits: Limits | None = None,
    notes: Notes = no_notes,
    contract: Any = lambda answer: (),
) -> Session:
    brief = Brief("task", "scout", "You are Scout.", "Look.", 1, limits or Limits(), contract, past)
    return Session(brief, model, hand, FakeClock(), notes=notes)


def kept(steps: Sequence[Step]) -> Steps:
    """The steps without the end, as a transcript gives them back."""
    lines = (json.dumps(plain(step)) for step in steps if not isinstance(step, Ended))
    return tuple(step_of(json.loads(line)) for line in lines)


def end(steps: Sequence[Step]) -> Ended:
    assert isinstance(steps[-1], Ended)
    return steps[-1]


async def waited(model: Actor, **how: Any) -> tuple[Session, Steps]:
    """A session that ended because it waits, and what is kept of it."""
    session = a_session(model, Asking(), **how)
    steps = await steps_of(session)
    assert end(steps).reason is Reason.WAITING
    return session, kept(steps)


# -- where it stands

CALLS = st.lists(
    st.tuples(st.sampled_from(["echo", "fail", "write", "ask", "write_ask"]), st.text(max_size=3)),
    min_size=1,
    max_size=3,
)
MOVES = st.one_of(
    st.tuples(st.sampled_from(["", "Words."]), CALLS),
    st.sampled_from([BadReply("unreadable", raw="{"), PromptTooLong("too long")]),
)


def move_of(move: tuple[str, list[tuple[str, str]]] | ModelError) -> Move:
    if isinstance(move, ModelError):
        return move
    text, calls = move
    return says(text, *(call(name, text=argument) for name, argument in calls))


@settings(deadline=None, max_examples=150)
@example([("", [("echo", "")]), ("", [("echo", "")]), PromptTooLong("too long")])
@given(st.lists(MOVES, max_size=8))
async def test_wherever_it_waits_it_stands_there_again(
    moves: list[tuple[str, list[tuple[str, str]]] | ModelError],
) -> None:
    last = says("Now I ask.", call("echo", text="z"), call("ask", text="z"))
    left = iter([*map(move_of, moves), last])
    summaries = 0

    async def play(request: ChatRequest) -> Reply:
        nonlocal summaries
        if is_summary_question(request):
            summaries += 1
            return GOOD
        match next(left):
            case ModelError() as error:
                raise error
            case reply:
                assert isinstance(reply, Reply)
                return reply

    first = a_session(Actor(play, loops=True), Asking())
    steps = await steps_of(first)
    if end(steps).reason is not Reason.WAITING:
        return

    again = a_session(Actor(), Asking())
    again._recall(kept(steps))

    assert again.talk.messages == first.talk.messages
    assert (again.talk.tokens, again.talk.known()) == (first.talk.tokens, first.talk.known())
    assert (again.breaker.turns, again.breaker.trail) == (first.breaker.turns, first.breaker.trail)
    if not summaries:  # what they cost is not kept (docs/approvals.md)
        assert again.breaker == first.breaker
        assert vars(again.tally) == vars(first.tally)
    assert (again.calls.open, again.calls.finished) == (first.calls.open, first.calls.finished)
    assert (again.answer, again._room) == (first.answer, first._room)
    assert any("ask" in call.name for call in first.calls.open)


async def test_it_makes_the_open_calls_and_then_asks_the_model_with_all_of_it() -> None:
    calls = [call("echo", text="a"), call("ask", text="b"), call("write", text="c")]
    _, past = await waited(Actor(says("Three.", *calls)))
    model, hand = Actor(says("Done.")), Asking(yes=True)

    steps = await steps_of(a_session(model, hand, past))

    assert hand.seen == ["+ask", "-ask", "+write", "-write"]
    assert hand.recalled == ["echo a"]
    (request,) = model.requests
    results = [m.call_id for m in request.messages if m.role is Role.TOOL]
    assert results == [each.id for each in calls]
    assert end(steps).result.text == "Done."
    assert end(steps).result.steps == 2 + 3  # turns and calls, those before the wait included


async def test_it_may_wait_as_often_as_it_asks_and_forgets_nothing() -> None:
    past: Steps = ()
    turns = iter([says(f"Turn {n}.", call("ask", text=str(n))) for n in range(3)])
    _, past = await waited(Actor(next(turns)))
    for _ in range(2):
        session = a_session(Actor(next(turns)), OnceMore(), past)
        steps = await steps_of(session)
        assert end(steps).reason is Reason.WAITING
        past = (*past, *kept(steps))
    model = Actor(says("Done."))

    last = await steps_of(a_session(model, Asking(yes=True), past))

    said = [m.content for m in model.requests[0].messages if m.role is Role.ASSISTANT]
    assert said == ["Turn 0.", "Turn 1.", "Turn 2."]
    assert end(last).result.text == "Done."


class OnceMore(Asking):
    """The first question was approved meanwhile, the next one is open."""

    async def call(self, call: ToolCall) -> ToolResult:
        result = await super().call(call)
        if result.waits and not self.recalled_yes:
            self.recalled_yes = True
            return ToolResult(call.id, call.name, "echo")
        return result

    recalled_yes = False


# -- limits, repairs and room


async def test_turns_and_tokens_from_before_the_wait_count() -> None:
    model = Actor(says("One.", call("echo")), says("Two.", call("ask")))
    _, past = await waited(model, limits=Limits(max_turns=3))
    more = Actor(says("Three.", call("echo")), says("It ends here."))

    steps = await steps_of(a_session(more, Asking(yes=True), past, limits=Limits(max_turns=3)))

    assert end(steps).reason is Reason.MAX_TURNS
    assert end(steps).result.tokens == {"prompt": 40, "completion": 20}


async def test_a_circle_is_seen_across_the_wait() -> None:
    def one_round() -> list[Reply]:
        return [says("", call("echo")), says("", call("ask"))]

    _, past = await waited(Actor(*one_round()))
    model = Actor(*one_round(), *one_round(), says("Enough."))

    steps = await steps_of(a_session(model, Asking(yes=True), past))

    assert end(steps).reason is Reason.BREAKER


async def test_a_contract_is_not_repaired_a_second_time_after_the_wait() -> None:
    def contract(answer: str) -> list[str]:
        return [] if "source" in answer else ["a source is missing"]

    _, past = await waited(Actor(says("No."), says("I look.", call("ask"))), contract=contract)

    session = a_session(Actor(says("Still no.")), Asking(yes=True), past, contract=contract)
    steps = await steps_of(session)

    assert end(steps).reason is Reason.CONTRACT


@pytest.mark.parametrize("pages", [6, 14])
async def test_what_was_made_shorter_before_the_wait_stays_so(pages: int) -> None:
    story = long_story(pages, [GOOD])
    play = story.moves[0]
    asked = False

    async def ask_at_the_end(request: Any) -> Reply:
        nonlocal asked
        assert callable(play)
        reply = await play(request)
        if reply.message.content == "The end." and not asked:
            asked = True
            return says("I ask.", call("ask"))
        return reply

    first, past = await waited(Actor(ask_at_the_end, context=4000, loops=True))
    again = a_session(Actor(context=4000), Asking())

    again._recall(past)

    kinds = {step.kind for step in past if isinstance(step, Compacted)}
    assert kinds >= {"results"}
    assert again.talk.messages == first.talk.messages
    assert again.calls.open == first.calls.open


async def test_a_note_is_heard_again_once_and_a_new_one_with_the_next_turn() -> None:
    box = Mailbox()
    box.post("Mind the tide.")
    _, past = await waited(Actor(says("Yes.", call("ask"))), notes=box)
    box.post("And the moon.")
    model = Actor(says("Done."))

    await steps_of(a_session(model, Asking(yes=True), past, notes=box))

    told = "\n".join(message.content for message in model.requests[0].messages)
    assert (told.count("Mind the tide."), told.count("And the moon.")) == (1, 1)


# -- which past it has


async def on_disk(folder: Path, attempt: int, model: Actor, hand: Asking, past: Past) -> Ended:
    header = Header("task", "scout", attempt, "test/actor", resumes=past.last)
    with Transcript(folder, header, FakeClock()) as transcript:
        return await record(a_session(model, hand, past.steps), transcript)


async def test_a_past_is_read_over_several_waits_and_a_try_that_failed_between(
    tmp_path: Path,
) -> None:
    ask = says("I ask.", call("ask"))
    await on_disk(tmp_path, 1, Actor(ask), Asking(), Past())
    broken = past_of(tmp_path, "task", 2)
    await on_disk(tmp_path, 2, Actor(ModelError("refused")), Asking(yes=True), broken)
    after = past_of(tmp_path, "task", 3)
    more = says("I ask again.", call("ask", text="more"))
    await on_disk(tmp_path, 3, Actor(more), OnceMore(), after)

    past = past_of(tmp_path, "task", 4)

    assert (broken.attempts, after.attempts, past.attempts) == ((1,), (1,), (1, 3))
    assert after == broken
    replies = [step.reply.message.content for step in past.steps if isinstance(step, Replied)]
    assert replies == ["I ask.", "I ask again."]
    assert sum(isinstance(step, ToolFinished) for step in past.steps) == 1


async def test_a_past_with_a_hole_is_none(tmp_path: Path) -> None:
    ask = says("I ask.", call("ask"))
    await on_disk(tmp_path, 1, Actor(ask), Asking(), Past())
    more = says("I ask again.", call("ask", text="more"))
    await on_disk(tmp_path, 2, Actor(more), OnceMore(), past_of(tmp_path, "task", 2))
    whole = past_of(tmp_path, "task", 3)
    (tmp_path / "task-1.jsonl").unlink()

    assert whole.attempts == (1, 2)
    assert past_of(tmp_path, "task", 3) == Past()


async def test_a_session_that_did_not_wait_leaves_no_past(tmp_path: Path) -> None:
    await on_disk(tmp_path, 1, Actor(says("Done.")), Asking(), Past())

    assert past_of(tmp_path, "task", 2) == Past()
    assert past_of(tmp_path, "task", 1) == Past()
    assert past_of(tmp_path / "nowhere", "task", 7) == Past()
