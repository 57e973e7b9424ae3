"""The checkup itself: nothing stops it, and what it says is complete."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.clock import FakeClock
from harness.config.home import Home
from harness.doctor.checkup import CHECKS, about, examine, mend
from harness.doctor.finding import Finding, Level
from harness.doctor.patient import Patient
from harness.errors import Held


def breaks(patient: Patient) -> Iterator[Finding]:
    """It never does."""
    yield Finding(Level.WARNING, "seen before it broke")
    raise ZeroDivisionError("oh")


def refused(patient: Patient) -> Iterator[Finding]:
    """It never is."""
    yield from ()
    raise PermissionError(13, "Permission denied", "/root/x")


def well(patient: Patient) -> Iterator[Finding]:
    """All is well."""
    yield from ()


def test_a_check_that_breaks_does_not_keep_the_others_from_looking(
    home: Home, clock: FakeClock
) -> None:
    checks = {"breaks": breaks, "refused": refused, "well": well}

    found = examine(Patient(home, clock.now(), {}), checks, checks)

    assert [(each.check, each.level, each.message, each.fix) for each in found] == [
        ("breaks", Level.WARNING, "seen before it broke", None),
        (
            "breaks",
            Level.ERROR,
            "this check broke: ZeroDivisionError: oh",
            "report it with what is said here",
        ),
        ("refused", Level.ERROR, "/root/x: Permission denied", "check who owns it"),
        ("well", Level.OK, "All is well", None),
    ]


def test_a_repair_that_fails_says_why_and_what_is_left_to_do() -> None:
    def fails() -> str:
        raise Held("somebody has it", hint="wait for them")

    (done,) = mend(
        [
            Finding(Level.WARNING, "a", "by hand", fails, "one"),
            Finding(Level.WARNING, "b", "by hand"),
        ]
    )

    assert (done.check, done.level) == ("one", Level.ERROR)
    assert (done.message, done.fix) == ("the repair failed: somebody has it", "wait for them")


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_has_a_sentence_for_when_all_is_well(check: str) -> None:
    assert about(CHECKS[check]).endswith(".")
