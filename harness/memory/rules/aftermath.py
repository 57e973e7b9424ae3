"""What follows a change of MEMORY.md: its entries are marked, and what went out is archived."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from harness.errors import NotFound
from harness.memory.learning import Status
from harness.memory.lessons.book import Book
from harness.memory.rules.journal import Act, Change
from harness.memory.rules.shelf import put_away
from harness.memory.rules.trail import entries_of, rules_of


def follow(book: Book, memory: Path, change: Change, *, taken_back: bool) -> None:
    """Bring entries and archive in step with the rules in the file `memory`.

    `taken_back`: the change undid a promotion, so its entries are observed again. Entries that a
    person deleted meanwhile stay deleted.
    """
    if change.action is Act.REWRITE:
        return
    before, after = rules_of(change.before), rules_of(change.after)
    here = {entry: rule for rule in after for entry in rule.entries}
    for entry in sorted(entries_of(change.before) - set(here)):
        with suppress(NotFound):
            let_go(book, entry, change, taken_back)
    for entry, rule in here.items():
        with suppress(NotFound):
            book.mark(entry, promoted=(rule.promoted, rule.id))
    kept = {rule.id for rule in after}
    put_away(memory, [rule.line() for rule in before if rule.id not in kept], change)


def let_go(book: Book, entry: str, change: Change, taken_back: bool) -> None:
    """An entry is no rule any more: observed again, or superseded by what says otherwise."""
    if taken_back:
        book.demote(entry, Status.PENDING)
        return
    book.demote(entry, Status.SUPERSEDED)
    if change.entries and entry not in change.entries:
        book.mark(entry, contradicted_by=change.entries[0])
