"""What of the words that a session begins with, or is told, may leave the house."""

from __future__ import annotations

from typing import Any

import pytest

from harness.bus.handed import Handed, payload_of
from harness.bus.outside import outside_payload, payload_of_answer
from harness.permission.taint import Taint
from harness.services.hands import taint_of
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
        (payload_of_answer(FRIEND), True),  # another agent's answer
        (payload_of_answer(STRANGER), False),
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
