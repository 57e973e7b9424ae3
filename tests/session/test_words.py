"""The words of an answer, as a session hands them on while they come."""

from __future__ import annotations

from harness.clock import FakeClock
from harness.models.port import BadReply, ChatRequest, Reply
from harness.session.brief import Brief, Limits
from harness.session.loop import Session
from tests.session.doubles import (
    GOOD,
    Actor,
    Hand,
    call,
    echo,
    end_of,
    is_summary_question,
    long_story,
    page,
    says,
)

LONG = Brief("task-1", "scout", "You.", "Read.", limits=Limits(max_turns=60))
BRIEF = Brief("task-1", "scout", "You are Scout.", "Find the lighthouses.")


async def heard_of(model: Actor, hand: Hand, brief: Brief = BRIEF) -> list[str | None]:
    """What is handed on while the session runs to its end."""
    heard: list[str | None] = []
    await end_of(Session(brief, model, hand, FakeClock(), on_delta=heard.append))
    return heard


async def test_the_words_of_every_answer_are_handed_on() -> None:
    model = Actor(says("I look.", call("echo", text="one")), says("There are two."))

    heard = await heard_of(model, Hand(echo=echo))

    assert heard == ["I look.", "There are two."]


async def test_an_answer_that_cannot_be_read_is_taken_back() -> None:
    async def broken(_: ChatRequest) -> Reply:
        raise BadReply("half a call", raw="{")

    heard = await heard_of(Actor(broken, says("Two.")), Hand())

    assert heard == [None, "Two."]


async def test_a_summary_for_the_model_alone_is_no_answer() -> None:
    model = long_story(40, [GOOD])

    heard = await heard_of(model, Hand(page=page), LONG)

    assert any(map(is_summary_question, model.requests))
    assert GOOD.message.content not in heard
    assert heard[-1] == "The end."


async def test_the_words_of_the_turn_that_sums_up_are_handed_on() -> None:
    model = Actor(says("Again.", call("echo", text="one")), says("All I know."))

    heard = await heard_of(
        model, Hand(echo=echo), Brief("t", "scout", "You.", "Count.", limits=Limits(max_turns=1))
    )

    assert heard == ["Again.", "All I know."]
