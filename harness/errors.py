"""What can go wrong, said so that a person can act on it.

Every error carries the exit code that the command line ends with (docs/cli.md) and,
where there is one, the next thing to do.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class HarnessError(Exception):
    """The thing asked for failed; the message says what, which one, and why."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Fatal(HarnessError):
    """The daemon must not go on: it ends in order, and its service manager starts a new one."""


class UsageError(HarnessError):
    """The words of the command are off."""

    exit_code = 2


class DaemonNeeded(HarnessError):
    """The command needs the running daemon, and there is none (3 as in LSB)."""

    exit_code = 3


class NotFound(HarnessError):
    """There is no such task, agent or job."""

    exit_code = 4


class WaitTimeout(HarnessError):
    """The answer did not come in the time given; the task goes on."""

    exit_code = 5


class Held(HarnessError):
    """Another process holds what this one needs."""

    exit_code = 6


class ReaderGone(Exception):
    """Nobody reads our output any more: no error, and no reason to go on."""


HINTS = {
    errno.ENOSPC: "free some space and try again",
    errno.EACCES: "check who owns it",
    errno.EPERM: "check who owns it",
    errno.EROFS: "it is mounted to be read only",
    errno.ENOTDIR: "a file is where a folder should be: move it away",
    errno.EEXIST: "a file is where a folder should be: move it away",
    errno.ENOENT: "the folder above it is missing",
    errno.EMFILE: "too many files are open: raise the limit (ulimit -n)",
}


def explained(error: OSError) -> HarnessError:
    """What the system refused, with what to do about it."""
    what = error.strerror or str(error)
    where = f"{error.filename}: " if error.filename else "the answer cannot be written: "
    return HarnessError(f"{where}{what}", hint=HINTS.get(error.errno or 0))


@dataclass(frozen=True)
class Problem:
    """One fault in a file that a person edits. Lines and columns count from 1.

    Line 0 is no line: `path` is then a folder, or the name of an environment variable.
    """

    path: Path
    line: int
    column: int
    message: str
    hint: str | None = None
    source: str = ""  # the offending line, for the caret
    width: int = 1  # how many characters the caret marks

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}:{self.column}" if self.line else str(self.path)

    def render(self) -> str:
        """The compiler-style form: place and message, the line with a caret, a hint."""
        lines = [f"{self.where}: {self.message}"]
        if self.source:
            gutter = f"  {self.line} | "
            caret = " " * (len(gutter) - 2) + "| " + " " * (self.column - 1) + "^" * self.width
            lines += [gutter + self.source, caret]
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)


class ConfigError(HarnessError):
    """Files of the home that do not parse; all their faults at once.

    Exit code 78 (EX_CONFIG), so that a service manager does not restart into it.
    """

    exit_code = 78

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(problem.render() for problem in self.problems))
