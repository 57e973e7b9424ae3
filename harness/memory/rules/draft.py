"""A memory file on its way to a new version: patch by patch, each of them a change to be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from harness.memory.rules.journal import Act, Change
from harness.memory.rules.patches import Patch, applied


@dataclass
class Draft:
    """The text so far, and what made it so. All changes of a draft are one act."""

    text: str
    path: str
    by: str
    at: datetime
    number: Callable[[int], str]  # the id of the nth change, the same each time that it is asked
    changes: list[Change] = field(default_factory=list)

    def take(
        self,
        action: Act,
        patch: Patch,
        entries: tuple[str, ...] = (),
        reason: str = "",
        undoes: str = "",
    ) -> None:
        """Apply a patch. Raises Stale."""
        change = Change(
            id=self.number(len(self.changes)),
            at=self.at,
            by=self.by,
            action=action,
            path=self.path,
            before="\n".join(patch.before),
            after="\n".join(patch.after),
            entries=entries,
            undoes=undoes,
            reason=reason,
            line=patch.line,
            above=patch.above(self.text),
            part_of=self.changes[0].id if self.changes else "",
        )
        self.text = applied(self.text, patch)
        self.changes.append(change)


def counting(ids: Callable[[], str]) -> Callable[[int], str]:
    """Ids by number: a plan that is made again gives the same ones."""
    known: list[str] = []

    def number(n: int) -> str:
        while len(known) <= n:
            known.append(ids())
        return known[n]

    return number
