"""Rules that a person struck out of MEMORY.md by hand: noticed once, and told in the journal.

Their entries stay promoted, and rest: only what is seen after that day counts for them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from harness.files import locked
from harness.memory.learning import Status
from harness.memory.rules.aftermath import catch_up
from harness.memory.rules.journal import Act, Change
from harness.memory.rules.lines import Line, Rule
from harness.memory.rules.longterm import LongTerm
from harness.memory.rules.trail import entries_of, rules_of

BY_HAND = "a person, by hand"


def notice(memory: LongTerm, now: datetime) -> list[Change]:
    """Take down in the journal which rules were struck since the last look; each is a change that
    can be undone. What a crash left undone is done first. Raises HarnessError, OSError."""
    with locked(memory.path.parent):
        catch_up(memory.book, memory.path, memory.journal.changes(), memory.lines())
        known = [one for one in memory.book.learnings() if one.status == Status.PROMOTED]
        marked = {one.id: one.promoted for one in known}
        found = struck(memory.journal.changes(), memory.lines(), marked)
        made = [removal(memory, rule, now) for rule in found]
        if made:
            memory.journal.append(*made)
    return made


def struck(
    changes: Iterable[Change], lines: Sequence[Line], marked: Mapping[str, date | None]
) -> list[Rule]:
    """Pure: the rules that stand by the journal and not in the file, nor in a person's own words
    there. `marked`: since when entries say that they are rules; one that none of its entries knows
    was told, and a crash kept it from the file."""
    here = {line.rule.id for line in lines if line.rule}
    words = {line.says for line in lines if line.hand_written}
    last = resting_on(changes).items()
    known = [rule for entry, rule in last if marked.get(entry) == rule.promoted]
    gone = {rule.id: rule for rule in known if rule.id not in here}
    return [rule for rule in gone.values() if rule.text not in words]


def resting_on(changes: Iterable[Change]) -> dict[str, Rule]:
    """The rule that each entry has become, by the journal."""
    found: dict[str, Rule] = {}
    for change in changes:
        for entry in entries_of(change.before) - entries_of(change.after):
            found.pop(entry, None)
        found |= {entry: rule for rule in rules_of(change.after) for entry in rule.entries}
    return found


def removal(memory: LongTerm, rule: Rule, now: datetime) -> Change:
    return Change(
        id=memory.ids(),
        at=now,
        by=BY_HAND,
        action=Act.REMOVE,
        path=memory.path.relative_to(memory.home.root).as_posix(),
        before=rule.line(),
        after="",
        entries=rule.entries,
    )
