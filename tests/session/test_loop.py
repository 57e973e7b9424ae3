"""The loop: each way to end, one result per call, notes between turns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest

from harness.bus.port import Outcome
from harness.clock import FakeClock, settle
from harness.models.chain import FallbackModel
from harness.models.port import (
    BadReply,
    ChatRequest,
    ModelError,
    ModelMissing,
    ModelUnavailable,
    OverLimit,
    PromptTooLong,
    Reply,
    Role,
    Usage,
    estimate_prompt,
)
from harness.session.brief import Limits
from harness.session.steps import (
    Compacted,
    Ended,
    NoteArrived,
    Reason,
    Replied,
    Step,
    ToolFinished,
    ToolStarted,
    TurnStarted,
)
from tests.session.doubles import (
    Actor,
    Hand,
    Mailbox,
    call,
    echo,
    end_of,
    forever,
    hang,
    says,
    session_of,
    steps_of,
)


def results(steps: Sequence[Step]) -> list[ToolFinished]:
    return [step for step in steps if isinstance(step, ToolFinished)]


async def test_an_answer_without_tools_completes() -> None:
    ended = await end_of(session_of(Actor(says("Forty lighthouses."))))

    assert ended.reason is Reason.COMPLETED
    assert ended.outcome is Outcome.DONE
    assert ended.result.text == "Forty lighthouses."
    assert ended.result.model == "test/actor"


async def test_a_tool_result_reaches_the_model_and_the_answer_follows() -> None:
    asked = call("echo", text="hello")
    model = Actor(says("", asked), says("It said hello."))

    steps = await steps_of(session_of(model))

    kinds = [type(step) for step in steps]
    first = [TurnStarted, Replied, ToolStarted, ToolFinished]
    assert kinds == [*first, TurnStarted, Replied, Ended]
    told = model.requests[1].messages[-1]
    assert (told.role, told.content, told.call_id) == (Role.TOOL, "echo hello", asked.id)


async def test_tokens_and_steps_are_summed_and_a_degraded_reply_marks_the_result() -> None:
    model = Actor(says("", call("echo"), call("echo", text="b"), degraded=True), says("Done."))

    ended = await end_of(session_of(model))

    assert ended.result.tokens == {"prompt": 20, "completion": 10}
    assert ended.result.steps == 4  # two turns, two calls
    assert ended.result.degraded


async def test_an_empty_reply_is_silence() -> None:
    ended = await end_of(session_of(Actor(says("", call("echo")), says(""))))

    assert (ended.reason, ended.outcome) == (Reason.COMPLETED, Outcome.DONE)
    assert ended.result.text == ""


async def test_an_answer_that_breaks_off_is_partial() -> None:
    ended = await end_of(session_of(Actor(says("Forty light", finish="length"))))

    assert (ended.reason, ended.outcome) == (Reason.COMPLETED, Outcome.PARTIAL)
    assert "breaks off" in ended.detail


async def test_an_empty_reply_that_was_cut_off_is_asked_for_again() -> None:
    model = Actor(says("", finish="length"), says("Here."))

    ended = await end_of(session_of(model))

    assert ended.result.text == "Here."
    assert "cut off" in model.requests[1].messages[-1].content


async def test_a_bad_reply_is_told_what_was_wrong_and_may_be_repaired() -> None:
    model = Actor(BadReply("the arguments end early", raw='{"name": "ec'), says("Mended."))

    steps = await steps_of(session_of(model))

    told = model.requests[1].messages[-1].content
    assert "the arguments end early" in told
    assert '{"name": "ec' in told
    assert steps[-1].result.text == "Mended."  # type: ignore[union-attr]


async def test_a_second_bad_reply_in_a_row_ends_the_session() -> None:
    bad = BadReply("not readable", raw="?")

    ended = await end_of(session_of(Actor(bad, bad)))

    assert (ended.reason, ended.outcome) == (Reason.BAD_REPLY, Outcome.FAILED)
    assert ended.retry


async def test_a_good_reply_earns_another_repair() -> None:
    bad = BadReply("not readable", raw="?")
    model = Actor(bad, says("", call("echo")), bad, says("Fine."))

    ended = await end_of(session_of(model))

    assert ended.outcome is Outcome.DONE


@pytest.mark.parametrize("error", [ModelUnavailable("busy"), ModelMissing("pull it")])
async def test_an_unavailable_model_fails_the_attempt_and_asks_for_another(
    error: ModelError,
) -> None:
    ended = await end_of(session_of(Actor(error)))

    assert (ended.reason, ended.outcome) == (Reason.MODEL_UNAVAILABLE, Outcome.FAILED)
    assert ended.retry
    assert ended.detail == str(error)


async def test_a_refusal_of_the_model_is_final() -> None:
    ended = await end_of(session_of(Actor(ModelError("x does not support tools"))))

    assert (ended.reason, ended.outcome) == (Reason.MODEL_ERROR, Outcome.FAILED)
    assert not ended.retry


async def test_a_prompt_that_never_fits_ends_the_session() -> None:
    ended = await end_of(session_of(Actor(PromptTooLong("4096 tokens"), loops=True)))

    assert (ended.reason, ended.outcome) == (Reason.PROMPT_TOO_LONG, Outcome.FAILED)


async def test_the_last_turn_sums_up_without_tools() -> None:
    moves = [says("", call("echo", text=str(n))) for n in range(3)]
    model = Actor(*moves, says("Three echoes so far."))

    ended = await end_of(session_of(model, limits=Limits(max_turns=3)))

    assert (ended.reason, ended.outcome) == (Reason.MAX_TURNS, Outcome.PARTIAL)
    assert ended.result.text == "Three echoes so far."
    assert model.requests[-1].tools == ()
    assert "all 3 turns are used" in model.requests[-1].messages[-1].content


async def test_calls_in_the_last_turn_are_refused_and_still_get_their_results() -> None:
    late = call("echo", text="late")
    model = Actor(says("", call("echo")), says("What I know.", late))

    steps = await steps_of(session_of(model, limits=Limits(max_turns=1)))

    refused = results(steps)[-1].result
    assert (refused.call_id, refused.ok) == (late.id, False)


@pytest.mark.parametrize(
    "last", [says(""), BadReply("no", raw=""), ModelUnavailable("gone"), PromptTooLong("big")]
)
async def test_when_summing_up_fails_what_is_known_must_do(last: Reply | ModelError) -> None:
    model = Actor(says("I look around.", call("echo", text="sea")), last)

    ended = await end_of(session_of(model, limits=Limits(max_turns=1)))

    assert (ended.reason, ended.outcome) == (Reason.MAX_TURNS, Outcome.PARTIAL)
    assert ended.result.text == "I look around.\n\necho: echo sea"


async def test_refused_and_failed_calls_are_nothing_that_is_known() -> None:
    model = Actor(says("", call("fail", text="x")), says("", call("echo", text="late")))

    ended = await end_of(session_of(model, limits=Limits(max_turns=1)))

    assert (ended.outcome, ended.result.text) == (Outcome.FAILED, "")


async def test_a_spent_budget_leaves_room_to_sum_up() -> None:
    costly = says("", call("echo"), usage=Usage(prompt=800, completion=50))
    model = Actor(costly, says("Summed up."))

    ended = await end_of(session_of(model, limits=Limits(tokens=900)))

    assert (ended.reason, ended.outcome) == (Reason.BUDGET, Outcome.PARTIAL)
    assert "850 of 900 tokens" in ended.detail


async def test_a_long_result_near_the_end_of_the_budget_leaves_room_to_sum_up() -> None:
    async def look(text: str = "") -> str:
        return "sea " * 5000

    costly = says("", call("look"), usage=Usage(prompt=100, completion=1000))
    model = Actor(costly, says("It is all sea."))

    steps = await steps_of(session_of(model, Hand(look=look), limits=Limits(tokens=4000)))

    last = model.requests[-1]
    ended = steps[-1]
    assert isinstance(ended, Ended)
    assert (ended.reason, ended.result.text) == (Reason.BUDGET, "It is all sea.")
    assert 1100 + estimate_prompt(last) + (last.max_tokens or 10**6) <= 4000
    assert last.tools == ()


async def test_an_answer_is_bounded_by_the_budget_only_where_that_is_near() -> None:
    wide, narrow = Actor(says("Done.")), Actor(says("Done."))

    await end_of(session_of(wide, limits=Limits(tokens=200_000)))
    await end_of(session_of(narrow, limits=Limits(tokens=10_000)))

    assert wide.requests[0].max_tokens is None
    assert 4000 < (narrow.requests[0].max_tokens or 0) < 5000


async def test_a_prompt_beyond_the_budget_is_not_sent_at_all() -> None:
    model = Actor(says("Never said."))

    ended = await end_of(
        session_of(model, opening="lighthouse " * 2000, limits=Limits(tokens=1000))
    )

    assert (ended.reason, model.requests) == (Reason.BUDGET, [])


async def test_going_round_in_circles_trips_the_breaker() -> None:
    moves = [says("", call("echo", text="same")) for _ in range(3)]
    model = Actor(*moves, says("It only says same."))

    ended = await end_of(session_of(model))

    assert (ended.reason, ended.outcome) == (Reason.BREAKER, Outcome.PARTIAL)
    assert "echo" in ended.detail


async def test_five_failures_in_a_row_trip_the_breaker() -> None:
    moves = [says("", call("fail", text=str(n))) for n in range(5)]

    ended = await end_of(session_of(Actor(*moves, says("Nothing works."))))

    assert (ended.reason, ended.outcome) == (Reason.BREAKER, Outcome.PARTIAL)


async def test_an_unknown_tool_is_a_failed_call_and_no_end() -> None:
    model = Actor(says("", call("nonsense")), says("Then without."))

    steps = await steps_of(session_of(model))

    assert not results(steps)[0].result.ok
    assert isinstance(steps[-1], Ended)
    assert steps[-1].outcome is Outcome.DONE


async def test_a_toolbox_that_breaks_gives_a_failed_result() -> None:
    async def explode(text: str = "") -> str:
        raise RuntimeError("boom")

    steps = await steps_of(
        session_of(Actor(says("", call("explode")), says("Ok.")), Hand(explode=explode))
    )

    assert results(steps)[0].result.text == "RuntimeError: boom"


# contract


def must_name_a_source(answer: str) -> list[str]:
    return [] if "http" in answer else ["no source is named"]


async def test_a_broken_contract_may_be_repaired_once() -> None:
    model = Actor(says("Forty."), says("Forty, http://example.org says."))

    ended = await end_of(session_of(model, contract=must_name_a_source))

    assert (ended.reason, ended.outcome) == (Reason.COMPLETED, Outcome.DONE)
    assert "- no source is named" in model.requests[1].messages[-1].content


async def test_a_contract_broken_twice_leaves_a_partial_answer() -> None:
    model = Actor(says("Forty."), says("Still forty."))

    ended = await end_of(session_of(model, contract=must_name_a_source))

    assert (ended.reason, ended.outcome) == (Reason.CONTRACT, Outcome.PARTIAL)
    assert ended.result.text == "Still forty."
    assert ended.detail == "no source is named"


# notes


async def test_a_note_arrives_between_turns() -> None:
    mailbox = Mailbox()

    async def post(text: str = "") -> str:
        mailbox.post("Only the red ones.")
        return "posted"

    model = Actor(says("", call("post")), says("Red ones only."))

    steps = await steps_of(session_of(model, Hand(post=post), notes=mailbox))

    place = steps.index(NoteArrived("person", "Only the red ones."))
    assert isinstance(steps[place - 1], ToolFinished)
    assert isinstance(steps[place + 1], TurnStarted)
    assert model.requests[1].messages[-1].content.endswith("Only the red ones.")


async def test_a_note_that_came_while_the_model_finished_gets_one_more_turn() -> None:
    mailbox = Mailbox()

    async def interrupted(request: ChatRequest) -> Reply:
        mailbox.post("And the blue ones?")
        return says("All red.")

    model = Actor(interrupted, says("Red and blue."))

    ended = await end_of(session_of(model, notes=mailbox))

    assert ended.result.text == "Red and blue."
    assert len(model.requests) == 2


# order


async def test_safe_calls_run_together_and_others_alone() -> None:
    hand = Hand(read=echo, write=echo)
    asked = [call("read"), call("read"), call("write"), call("write"), call("read")]

    await steps_of(session_of(Actor(says("", *asked), says("Done.")), hand))

    assert hand.seen == [
        *("+read", "+read", "-read", "-read"),
        *("+write", "-write", "+write", "-write"),
        *("+read", "-read"),
    ]


async def test_results_come_in_the_order_asked_whatever_ends_first() -> None:
    async def slow(text: str = "") -> str:
        await settle()
        return "slow"

    hand = Hand(slow=slow, echo=echo)
    asked = [call("slow"), call("echo")]
    model = Actor(says("", *asked), says("Done."))

    steps = await steps_of(session_of(model, hand))

    wanted = [one.id for one in asked]
    assert [step.result.call_id for step in results(steps)] == wanted
    assert [message.call_id for message in model.requests[1].messages[-2:]] == wanted


async def test_a_long_result_is_cut_for_the_prompt_and_whole_in_the_step() -> None:
    async def long(text: str = "") -> str:
        return "x" * 50_000

    model = Actor(says("", call("long")), says("Done."), context=8000)

    steps = await steps_of(session_of(model, Hand(long=long)))

    told = model.requests[1].messages[-1].content
    assert len(results(steps)[0].result.text) == 50_000
    assert len(told) < 12_000
    assert "of 50,000 characters not shown" in told


async def test_the_results_of_one_turn_share_their_room() -> None:
    async def long(text: str = "") -> str:
        return "x" * 50_000

    calls = [call("long", text=str(n)) for n in range(4)]
    model = Actor(says("", *calls), says("Done."), context=8000)

    await steps_of(session_of(model, Hand(long=long)))

    assert estimate_prompt(model.requests[1]) < 0.5 * 8000


async def test_requests_only_grow_at_their_end() -> None:
    moves = [says(f"Turn {n}.", call("echo", text=str(n))) for n in range(10)]
    model = Actor(*moves, says("Done."))

    await steps_of(session_of(model))

    for before, after in pairwise(model.requests):
        assert tuple(after.messages[: len(before.messages)]) == tuple(before.messages)


# time


async def advance_until(clock: FakeClock, task: asyncio.Task[Ended], seconds: float) -> None:
    await settle()
    for _ in range(int(seconds)):
        if task.done():
            return
        await clock.advance(1)


async def test_at_nine_tenths_of_the_time_the_session_sums_up() -> None:
    clock = FakeClock()
    model = Actor(says("", call("hang")), says("It hung."))
    session = session_of(model, clock=clock, limits=Limits(timeout=100))
    task = asyncio.create_task(end_of(session))

    await advance_until(clock, task, 100)

    ended = task.result()
    assert (ended.reason, ended.outcome) == (Reason.TIMEOUT, Outcome.PARTIAL)
    assert ended.result.text == "It hung."
    assert clock.monotonic() == 90


async def test_a_model_that_hangs_is_cut_off_and_what_is_known_must_do() -> None:
    clock = FakeClock()
    model = Actor(says("", call("echo", text="sea")), forever, forever)
    session = session_of(model, clock=clock, limits=Limits(timeout=100))
    task = asyncio.create_task(end_of(session))

    await advance_until(clock, task, 200)

    ended = task.result()
    assert (ended.reason, ended.outcome) == (Reason.TIMEOUT, Outcome.PARTIAL)
    assert ended.result.text == "echo: echo sea"
    assert clock.monotonic() == 100
    assert model.open_connections == 0


async def test_a_model_that_says_nothing_in_time_fails_and_may_be_tried_again() -> None:
    clock = FakeClock()
    session = session_of(Actor(forever, loops=True), clock=clock, limits=Limits(timeout=100))
    task = asyncio.create_task(end_of(session))

    await advance_until(clock, task, 200)

    ended = task.result()
    assert (ended.reason, ended.outcome) == (Reason.TIMEOUT, Outcome.FAILED)
    assert ended.retry


async def test_calls_that_the_deadline_cuts_off_get_results_that_say_so() -> None:
    clock = FakeClock()
    hand = Hand(echo=echo, hang=hang, write=echo)
    asked = [call("echo", text="1"), call("hang"), call("write")]
    session = session_of(
        Actor(says("", *asked), says("Ok.")), hand, clock=clock, limits=Limits(timeout=10)
    )
    task = asyncio.create_task(steps_of(session))

    await settle()
    await clock.advance(9)
    steps = await task

    texts = [step.result.text for step in results(steps)]
    assert texts == [
        "echo 1",
        "cancelled before it ended; it may have had an effect",
        "cancelled before it began",
    ]
    assert "+write" not in hand.seen


async def test_the_summing_up_has_its_tokens_counted() -> None:
    model = Actor(says("", call("echo")), says("Summed up."))

    ended = await end_of(session_of(model, limits=Limits(max_turns=1)))

    assert ended.result.tokens["prompt"] == 20


async def test_a_limit_of_the_day_ends_the_session_with_what_is_known() -> None:
    spent = OverLimit("scout has used its 50,000 tokens of the day")
    model = Actor(says("So far: three.", call("echo")), spent, spent)

    ended = await end_of(session_of(model))

    assert (ended.reason, ended.outcome, ended.retry) == (Reason.BUDGET, Outcome.PARTIAL, False)
    assert "50,000 tokens of the day" in ended.detail
    assert ended.result.text.startswith("So far: three.")


async def test_a_limit_of_the_day_before_the_first_word_is_a_failure() -> None:
    spent = OverLimit("the day's money is spent", hint="raise `limits.money`")

    ended = await end_of(session_of(Actor(spent, spent)))

    assert (ended.reason, ended.outcome) == (Reason.BUDGET, Outcome.FAILED)
    assert ended.detail == "the day's money is spent; raise `limits.money`"


def away_after(turns: int) -> Actor:
    """A model that goes away after so many calls of its tool."""
    calls = [says("", call("read", number=number)) for number in range(turns)]
    return Actor(*calls, *[ModelUnavailable("gone")] * 99)


async def pages(number: int) -> str:
    return f"page {number}: " + "lighthouse keeper storm " * 200


async def test_a_fallback_with_a_smaller_context_gets_a_talk_that_fits_it() -> None:
    async def answer(request: ChatRequest) -> Reply:
        if estimate_prompt(request) > 3000:
            raise PromptTooLong("no more than 3000")
        return says("Three pages, read.")

    small = Actor(answer, loops=True, context=3000)
    chain = FallbackModel([away_after(3), small], FakeClock())

    steps = await steps_of(session_of(chain, Hand(read=pages)))

    assert any(isinstance(step, Compacted) for step in steps)
    assert isinstance(end := steps[-1], Ended)
    assert (end.outcome, end.result.text) == (Outcome.DONE, "Three pages, read.")


async def test_a_fallback_into_which_nothing_fits_ends_the_session_and_not_its_patience() -> None:
    small = Actor(PromptTooLong("4096 and no more"), loops=True, context=3000)
    chain = FallbackModel([away_after(3), small], FakeClock())

    ended = await end_of(session_of(chain, Hand(read=pages)))

    assert ended.reason is Reason.PROMPT_TOO_LONG
    assert len(small.requests) < 10


async def test_an_answer_by_a_fallback_says_why() -> None:
    reply = says("Near.", degraded=True, because="far: the server is away")

    ended = await end_of(session_of(Actor(reply)))

    assert ended.reason is Reason.COMPLETED
    assert ended.detail == "degraded, far: the server is away"
