"""What follows a change of MEMORY.md: its entries are marked, and what went out is archived."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from harness.errors import NotFound
from harness.memory.learning import Status
from harness.memory.lessons.book import Book
from harness.memory.rules.journal import Act, Change
from harness.memory.rules.lines import Line
from harness.memory.rules.shelf import put_away
from harness.memory.rules.trail import entries_of, lets_rest, rules_of


def follow(book: Book, memory: Path, change: Change, *, taken_back: bool) -> None:
    """Bring entries and archive in step with the rules in the file `memory`.

    `taken_back`: the change undid a promotion, so its entries are observed again. Entries that a
    person deleted meanwhile stay deleted.
    """
    if change.action is Act.REWRITE:
        return
    archive(memory, change)
    here = {entry: rule for rule in rules_of(change.after) for entry in rule.entries}
    for entry in sorted(entries_of(change.before) - set(here)):
        with suppress(NotFound):
            let_go(book, entry, change, taken_back)
    for entry, rule in here.items():
        with suppress(NotFound):
            book.mark(entry, promoted=(rule.promoted, rule.id))


def archive(memory: Path, change: Change) -> None:
    """Put the rules away that went with the change; what is put away already stays single."""
    kept = {rule.id for rule in rules_of(change.after)}
    gone = [rule.line() for rule in rules_of(change.before) if rule.id not in kept]
    put_away(memory, gone, change)


def catch_up(book: Book, memory: Path, changes: Sequence[Change], lines: Iterable[Line]) -> None:
    """Do what follows a change that took a rule's place, where a crash came between: entries that
    say they are rules, and stand in no line since then."""
    here = {entry for line in lines if line.rule for entry in line.rule.entries}
    for one in book.learnings():
        if one.status != Status.PROMOTED or one.id in here:
            continue
        last = next((each for each in reversed(changes) if one.id in concerned(each)), None)
        if last and one.id not in entries_of(last.after) and not lets_rest(changes, last):
            archive(memory, last)
            with suppress(NotFound):
                let_go(book, one.id, last, taken_back=False)


def concerned(change: Change) -> set[str]:
    return entries_of(change.before) | entries_of(change.after)


def let_go(book: Book, entry: str, change: Change, taken_back: bool) -> None:
    """An entry is no rule any more: observed again, or superseded by what says otherwise."""
    if taken_back:
        book.demote(entry, Status.PENDING)
        return
    book.demote(entry, Status.SUPERSEDED)
    if change.entries and entry not in change.entries:
        book.mark(entry, contradicted_by=change.entries[0])
