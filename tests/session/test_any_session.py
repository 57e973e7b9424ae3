"""Whatever the model, the tools and people do, a session keeps its promises."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.bus.port import Outcome
from harness.models.port import (
    BadReply,
    ChatRequest,
    ModelError,
    ModelUnavailable,
    PromptTooLong,
    Reply,
    Usage,
    estimate_prompt,
)
from harness.session.brief import Limits
from harness.session.steps import Compacted, Ended, Reason, Replied, ToolFinished, ToolStarted
from tests.session.doubles import (
    Actor,
    Hand,
    call,
    echo,
    fail,
    is_summary_question,
    says,
    session_of,
    steps_of,
)

Move = tuple[str, list[tuple[str, str]]] | ModelError
CALLS = st.lists(
    st.tuples(st.sampled_from(["echo", "fail", "write", "nonsense"]), st.sampled_from("ab")),
    max_size=3,
)
MOVES: st.SearchStrategy[Move] = st.one_of(
    st.tuples(st.sampled_from(["", "Words."]), CALLS),
    st.tuples(st.just("Answer."), st.just([])),
    st.sampled_from(
        [
            BadReply("unreadable", raw="{"),
            ModelUnavailable("gone"),
            ModelError("refused"),
            PromptTooLong("too long"),
        ]
    ),
)


def reply_of(move: Move) -> Reply | ModelError:
    if isinstance(move, ModelError):
        return move
    text, calls = move
    return says(text, *(call(name, text=argument) for name, argument in calls))


@settings(deadline=None)
@given(
    st.lists(MOVES, max_size=12),
    st.integers(1, 8),
    st.integers(100, 2000),
    st.lists(st.booleans(), max_size=3),
)
async def test_any_session_ends_once_and_answers_every_call(
    moves: list[Move], max_turns: int, tokens: int, broken: list[bool]
) -> None:
    model = Actor(*map(reply_of, moves), says("The end."), loops=True)
    verdicts = iter(broken)
    session = session_of(
        model,
        Hand(echo=echo, fail=fail, write=echo),
        limits=Limits(max_turns=max_turns, tokens=tokens),
        contract=lambda answer: ["too short"] if next(verdicts, False) else [],
    )

    steps = await steps_of(session)

    asked = [c.id for s in steps if isinstance(s, Replied) for c in s.reply.message.tool_calls]
    started = [s.call.id for s in steps if isinstance(s, ToolStarted)]
    finished = [s.result.call_id for s in steps if isinstance(s, ToolFinished)]
    assert finished == asked
    assert [one for one in asked if one in started] == started
    assert [isinstance(s, Ended) for s in steps] == [False] * (len(steps) - 1) + [True]
    ended = steps[-1]
    assert isinstance(ended, Ended)
    assert (ended.outcome is Outcome.DONE) == (ended.reason is Reason.COMPLETED)
    assert not ended.retry or ended.outcome is Outcome.FAILED
    if not any(isinstance(step, Compacted) for step in steps):
        asked_for_turns = [r for r in model.requests if not is_summary_question(r)]
        for before, after in pairwise(asked_for_turns):
            assert tuple(after.messages[: len(before.messages)]) == tuple(before.messages)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 900)), max_size=15),
    st.integers(1000, 9000),
)
async def test_no_session_spends_more_than_its_budget(
    turns: list[tuple[int, int]], budget: int
) -> None:
    """However long the answers and results: a call is made only where its prompt and the longest
    answer to it still fit, and the answer is told how long it may be."""
    left = iter(turns)
    spent = 0

    async def play(request: ChatRequest) -> Reply:
        nonlocal spent
        said, found = next(left, (0, 0))
        prompt = estimate_prompt(request)
        completion = min(5 + said, request.max_tokens or 10**6)
        spent += prompt + completion
        calls = [call("echo", text="x " * found)] if request.tools and found else []
        return says("y" * min(said, completion), *calls, usage=Usage(prompt, completion))

    session = session_of(Actor(play, loops=True), Hand(echo=echo), limits=Limits(tokens=budget))

    steps = await steps_of(session)

    assert isinstance(steps[-1], Ended)
    assert spent <= budget
