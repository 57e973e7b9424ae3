"""One reading of a home's files: what was wrong with them, and what stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from harness.errors import ConfigError, Problem

Part = TypeVar("Part")


@dataclass
class Reading:
    """The faults met while one Crew is read, and the files whose last version stays."""

    problems: list[Problem] = field(default_factory=list)
    refused: set[Path] = field(default_factory=set)

    def attempt(self, read: Callable[[], Part], last: Part | None) -> Part | None:
        """What `read` gives; when it does not parse, its problems are kept and `last` stays."""
        try:
            return read()
        except ConfigError as error:
            self.problems += error.problems
            if last is not None:
                self.refused |= {problem.path for problem in error.problems}
            return last
