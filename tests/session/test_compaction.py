"""Making room: pairs stay whole, the task stays, what goes was summed up and checked."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.bus.port import Outcome
from harness.models.port import (
    BadReply,
    ChatRequest,
    Message,
    ModelError,
    ModelUnavailable,
    PromptTooLong,
    Reply,
    Role,
    ToolCall,
)
from harness.session.brief import Limits
from harness.session.compaction import (
    Compactor,
    clear_results,
    cutting_place,
    fault_of_summary,
    summarised,
    unanswered_from,
)
from harness.session.steps import Compacted, Ended, Reason
from harness.session.stop import Stop
from harness.session.talk import Talk, message_tokens
from harness.tools.tool import ToolResult
from tests.session.doubles import (
    GOOD,
    Actor,
    Hand,
    call,
    is_summary_question,
    long_story,
    page,
    says,
    session_of,
    steps_of,
)

texts = st.text("lighthouse and sea ", max_size=300)
HEAD = (Message(Role.SYSTEM, "You are Scout."), Message(Role.USER, "Find the lighthouses."))


@st.composite
def talks(draw: st.DrawFn) -> list[Message]:
    """A conversation of notes, words, and calls with their results."""
    talk = list(HEAD)
    for turn in range(draw(st.integers(0, 12))):
        match draw(st.sampled_from(["note", "words", "calls"])):
            case "note":
                talk.append(Message(Role.USER, draw(texts)))
            case "words":
                talk.append(Message(Role.ASSISTANT, draw(texts)))
            case _:
                ids = [f"{turn}-{n}" for n in range(draw(st.integers(1, 3)))]
                calls = tuple(ToolCall(one, "read", {"text": draw(texts)}) for one in ids)
                talk.append(Message(Role.ASSISTANT, draw(texts), calls))
                talk += [Message(Role.TOOL, draw(texts) * 3, (), one, "read") for one in ids]
    return talk


def check_valid(before: list[Message], after: list[Message]) -> None:
    """The head stays, pairs are whole, what is left is in its old order."""
    assert tuple(after[:2]) == HEAD
    asked: list[str] = []
    for message in after:
        if message.role is Role.TOOL:
            assert message.call_id == asked.pop(0)
        else:
            assert asked == []
            asked = [one.id for one in message.tool_calls]
    assert asked == []
    old = iter(before)
    assert all(message in old for message in after if message in before)


@given(talks(), st.integers(0, 6))
def test_clearing_results_keeps_every_message_in_its_place(talk: list[Message], keep: int) -> None:
    after = clear_results(talk, keep, set())

    assert message_tokens(after) <= message_tokens(talk)
    assert [(m.role, m.call_id) for m in after] == [(m.role, m.call_id) for m in talk]
    unseen = unanswered_from(talk)
    assert list(after[unseen:]) == talk[unseen:]
    assert all(a == b for a, b in zip(after, talk, strict=True) if b.role is not Role.TOOL)


@given(talks(), st.integers(0, 400))
def test_any_place_to_cut_leaves_a_valid_conversation(talk: list[Message], tail: int) -> None:
    cut = cutting_place(talk, len(HEAD), tail)

    after = list(summarised(talk, len(HEAD), cut, "lighthouses were found"))

    check_valid(talk, after)
    assert cut <= max(unanswered_from(talk), len(HEAD))
    assert after[3:] == talk[cut:]


@settings(deadline=None)
@given(talks(), st.integers(100, 2000), st.booleans(), st.sampled_from(["sea and lighthouse", ""]))
async def test_whatever_is_compacted_stays_valid_and_gets_smaller(
    messages: list[Message], context: int, urgent: bool, summary: str
) -> None:
    model = Actor(says(summary), loops=True)
    compactor = Compactor(context, Limits(), model.chat)
    talk = Talk(HEAD[0].content, HEAD[1].content, [])
    talk.adopt(messages)
    compactor.urgent = urgent
    limit = Limits().compact_at * context
    reasons = set()

    for _ in range(50):
        before = talk.tokens
        try:
            shorter = await compactor.propose(talk)
        except Stop as stop:
            reasons.add(stop.reason)
            break
        if shorter is None:
            break
        assert urgent or before > limit
        talk.adopt(shorter.messages)
        assert talk.tokens == shorter.step.tokens_after < before
        check_valid(messages, talk.messages)
    else:
        raise AssertionError("it went on for ever")
    assert reasons <= {Reason.PROMPT_TOO_LONG}


@pytest.mark.parametrize("tail", range(0, 60, 3))
def test_a_place_among_results_moves_behind_them(tail: int) -> None:
    asked = [call("read"), call("read"), call("read")]
    results = [Message(Role.TOOL, "sea " * 10, (), one.id, "read") for one in asked]
    talk = [*HEAD, Message(Role.ASSISTANT, "", asked), *results, Message(Role.ASSISTANT, "I see.")]

    assert cutting_place(talk, len(HEAD), tail) in (2, 6)


def test_a_cleared_result_tells_how_to_get_its_whole_text() -> None:
    asked = call("read")
    talk = [
        *HEAD,
        Message(Role.ASSISTANT, "", (asked,)),
        Message(Role.TOOL, "x" * 5000, (), asked.id, "read"),
        Message(Role.ASSISTANT, "I see."),
    ]

    after = clear_results(talk, 0, {asked.id})

    assert "5,000 characters" in after[3].content
    assert f'read_result(id="{asked.id}")' in after[3].content
    assert "\n" not in after[3].content


@pytest.mark.parametrize(
    ("summary", "fault"),
    [
        ("", "empty"),
        ("lighthouse keeper storm " * 50, "not shorter"),
        ("I am sorry, but no.", "hardly a word in common"),
        ("The keeper of the lighthouse saw a storm.", None),
    ],
)
def test_a_summary_is_checked(summary: str, fault: str | None) -> None:
    old = [Message(Role.ASSISTANT, "The lighthouse keeper tells of a storm in 1911. " * 5)]

    found = fault_of_summary(summary, old)

    assert (found is None) == (fault is None)
    assert fault is None or fault in str(found)


# within a session


async def test_old_results_go_first_and_a_summary_follows() -> None:
    model = long_story(40, [GOOD])

    steps = await steps_of(session_of(model, Hand(page=page), limits=Limits(max_turns=50)))

    kinds = [step.kind for step in steps if isinstance(step, Compacted)]
    assert kinds[0] == "results"
    assert "summary" in kinds
    assert isinstance(steps[-1], Ended)
    assert steps[-1].outcome is Outcome.DONE


async def test_every_request_starts_with_the_prompt_and_the_task() -> None:
    model = long_story(40, [GOOD])

    await steps_of(session_of(model, Hand(page=page), limits=Limits(max_turns=50)))

    for request in model.requests:
        if not is_summary_question(request):
            assert request.messages[0].content == "You are Scout."
            assert request.messages[1].content == "Find the news about lighthouses."


async def test_requests_only_grow_at_their_end_unless_room_was_made() -> None:
    model = long_story(40, [GOOD])

    steps = await steps_of(session_of(model, Hand(page=page), limits=Limits(max_turns=50)))

    asked = [request for request in model.requests if not is_summary_question(request)]
    breaks = sum(
        tuple(after.messages[: len(before.messages)]) != tuple(before.messages)
        for before, after in pairwise(asked)
    )
    assert 0 < breaks <= sum(isinstance(step, Compacted) for step in steps)


async def test_the_summary_is_handed_out_before_the_old_messages_go() -> None:
    session = session_of(long_story(40, [GOOD]), Hand(page=page), limits=Limits(max_turns=50))
    sizes = []

    async for step in session.steps():
        if isinstance(step, Compacted) and step.kind == "summary":
            assert step.text == GOOD.message.content
            sizes.append((step.tokens_before, session.talk.tokens))

    assert sizes
    assert all(before == still for before, still in sizes)


@pytest.mark.parametrize("useless", [says(""), says("No."), BadReply("?", raw="?")])
async def test_two_useless_summaries_are_the_last(useless: Reply | ModelError) -> None:
    model = long_story(40, [useless])

    steps = await steps_of(session_of(model, Hand(page=page), limits=Limits(max_turns=50)))

    assert sum(is_summary_question(request) for request in model.requests) == 2
    assert not any(isinstance(s, Compacted) and s.kind == "summary" for s in steps)


async def test_a_prompt_that_the_model_refuses_is_made_shorter_and_sent_again() -> None:
    refused = False

    async def play(request: ChatRequest) -> Reply:
        nonlocal refused
        if is_summary_question(request):
            return GOOD
        if len(request.messages) > 8 and not refused:
            refused = True
            raise PromptTooLong("too long")
        return (
            says("More.", call("page", text=str(len(request.messages))))
            if (not refused)
            else says("The end.")
        )

    model = Actor(play, loops=True)

    steps = await steps_of(session_of(model, Hand(page=page)))

    assert any(isinstance(step, Compacted) for step in steps)
    assert isinstance(steps[-1], Ended)
    assert steps[-1].result.text == "The end."


async def test_a_model_that_goes_away_while_it_sums_up_ends_the_session() -> None:
    model = long_story(40, [ModelUnavailable("gone")])

    steps = await steps_of(session_of(model, Hand(page=page), limits=Limits(max_turns=50)))

    assert isinstance(steps[-1], Ended)
    assert steps[-1].reason is Reason.MODEL_UNAVAILABLE


async def test_what_the_server_counted_corrects_the_estimate_upwards_only() -> None:
    talk = Talk("system", "opening " * 100, [])
    estimate = talk.tokens

    talk.request()
    talk.learn(says("", usage=says("").usage).usage)
    low = talk.tokens
    talk.learn(type(says("").usage)(prompt=estimate * 3 // 2))

    assert low == estimate
    assert talk.tokens == pytest.approx(estimate * 1.5, abs=1)


def test_a_call_keeps_its_arguments_in_the_estimate() -> None:
    bare = message_tokens([Message(Role.ASSISTANT, "")])
    full = message_tokens(
        [Message(Role.ASSISTANT, "", (ToolCall("1", "write", {"text": "x" * 360}),))]
    )

    assert full - bare >= 100


def test_a_result_that_lies_in_a_file_still_says_so_when_the_prompt_has_less_room() -> None:
    talk = Talk("", "opening", [])
    preview = "x" * 9000 + '\n[cut: read_result(id="c-1", offset=9000) gives more]'

    talk.answer(ToolResult("c-1", "read", preview, file="c-1.txt"), room=100)

    assert len(talk.messages[-1].content) < 600
    assert 'read_result(id="c-1")' in talk.messages[-1].content
