"""One check on one home, at the time of the test's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from harness.clock import FakeClock
from harness.config.home import Home
from harness.doctor.checkup import examine
from harness.doctor.finding import Finding, Level
from harness.doctor.patient import Machine, Patient

Look = Callable[..., list[Finding]]


@pytest.fixture
def look(home: Home, clock: FakeClock) -> Look:
    """`look("disk", free=...)`: what a check finds; nothing when all is well."""

    def look(
        check: str, *, now: datetime | None = None, path: str = "", **machine: Any
    ) -> list[Finding]:
        patient = Patient(home, now or clock.now(), {"PATH": path}, Machine(**machine))
        found = examine(patient, [check])
        assert {finding.check for finding in found} == {check}
        return [finding for finding in found if finding.level is not Level.OK]

    return look


@pytest.fixture
def scout(home: Home) -> None:
    """An agent of that name."""
    home.agent("scout").mkdir()
    front = "---\nname: scout\ndescription: Looks around.\ntools: [rss]\n---\nYou look.\n"
    (home.agent("scout") / "SOUL.md").write_text(front)
