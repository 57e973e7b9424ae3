"""The archive of a MEMORY.md: what it said once, and why it does not any more. Never read back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.files import locked, revise
from harness.memory.rules.journal import Act, Change
from harness.text.marks import tidy

FOLDER = ".archive"


def put_away(memory: Path, lines: Sequence[str], change: Change) -> None:
    """Append lines that a change took out of `memory` to the file of that name in the archive; a
    second time for the same change adds nothing."""
    if not lines:
        return
    folder = memory.parent / FOLDER
    note = f"<!-- {told(change)} -->"
    noted = [f"{line} {note}\n" for line in lines]

    def added(before: str | None) -> str:
        text = before or "# Archive\n\n"
        return text + "".join(line for line in noted if line not in text)

    with locked(folder):
        revise(folder / memory.name, added)


def told(change: Change) -> str:
    """What took a rule out, in words."""
    reason = f": {tidy(change.reason)}" if change.reason else ""
    return f"{_how(change)} on {change.at.date()}{reason}; change {change.id}"


def _how(change: Change) -> str:
    if change.action is Act.UNDO:
        return f"taken back by {tidy(change.by)}"
    return f"superseded by {', '.join(change.entries) or tidy(change.by)}"
