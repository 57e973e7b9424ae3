"""What a check found: how bad, what it is, what to do, and the repair where that is safe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

Repair = Callable[[], str]  # does it, and says what was changed; raises OSError, HarnessError


class Level(StrEnum):
    """How bad it is, the worst first."""

    ERROR = "error"  # something does not work
    WARNING = "warning"  # something works less well than it should, or soon will not
    HINT = "hint"  # good to know; no problem
    FIXED = "fixed"  # was wrong until a moment ago
    OK = "ok"  # looked at, and well


PROBLEMS = (Level.ERROR, Level.WARNING)


@dataclass(frozen=True)
class Finding:
    """One thing that a check has to say. The checkup fills in which check it was."""

    level: Level
    message: str
    fix: str | None = None  # a command, or what to edit
    repair: Repair | None = field(default=None, compare=False)
    check: str = ""

    @property
    def fixable(self) -> bool:
        """Whether `harness doctor --fix` does it."""
        return self.repair is not None

    @property
    def is_problem(self) -> bool:
        return self.level in PROBLEMS
