"""What of the words that a session begins with, or is told, may leave the house."""

from __future__ import annotations

from typing import Any

import pytest

from harness.bus.handed import Handed, payload_of
from harness.bus.outside import outside_payload, payload_of_answer
from harness.bus.port import Result
from harness.permission.taint import Taint
from harness.services.hands import taint_of
from harness.services.sessions import finished
from harness.tools.reading import heard
from tests.tools.conftest import a_task

WORDS = "the lighthouse is sold to the harbour master on Friday, see https://a.test/deed"
FRIEND, STRANGER = (), ("b.test",)


def handed(outside: tuple[str, ...]) -> dict[str, Any]:
    return payload_of([Handed("look", "zoe", "2026-01-05", "done", "01T", WORDS, outside)])


@pytest.mark.parametrize(
    ("payload", "carried"),
    [
        ({}, False),  # a person asks
        (outside_payload(STRANGER), False),  # a stranger knows them
        (outside_payload(STRANGER, private=True), True),
        (payload_of_answer(Result(WORDS)), True),  # another agent's answer
        (payload_of_answer(Result(WORDS, outside=STRANGER)), False),
        (payload_of_answer(Result(WORDS, outside=STRANGER, private=True)), True),
    ],
)
def test_what_a_task_says_goes_out_unless_it_is_the_houses_own(
    payload: dict[str, Any], carried: bool
) -> None:
    taint = taint_of(a_task(prompt=WORDS, payload=payload), "")

    assert (taint.carries(WORDS.partition(",")[0]) is not None) is carried
    assert taint.knows("https://a.test/deed")


@pytest.mark.parametrize(("outside", "carried"), [(FRIEND, True), (STRANGER, False)])
def test_what_is_handed_over_stays_unless_a_stranger_was_read(
    outside: tuple[str, ...], carried: bool
) -> None:
    taint = taint_of(a_task(payload=handed(outside)), "")

    assert (taint.carries(WORDS.partition(",")[0]) is not None) is carried


@pytest.mark.parametrize(("sender", "carried"), [("person", False), ("zoe", True)])
def test_a_note_goes_out_again_when_a_person_wrote_it(sender: str, carried: bool) -> None:
    taint = Taint()

    heard(taint, sender, WORDS)

    assert (taint.carries(WORDS.partition(",")[0]) is not None) is carried
    assert taint.knows("https://a.test/deed")


def test_an_answer_with_words_of_the_house_says_so_and_they_stay_inside() -> None:
    taint = Taint(STRANGER)
    taint.read_private(WORDS)

    answer = finished(Result(f"News, and {WORDS}"), taint)
    plain = finished(Result("News alone."), taint)

    assert (answer.private, plain.private) == (True, False)
    given = Handed("look", "zoe", "day", "done", "01T", answer.text, answer.outside, answer.private)
    reader = taint_of(a_task(payload=payload_of([given])), "")
    assert reader.carries(WORDS.partition(",")[0])
