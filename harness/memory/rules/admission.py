"""Admission to MEMORY.md: what a rule rests on, and what stands in its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from harness.errors import HarnessError
from harness.memory.learning import Learning
from harness.memory.rules.lines import Line, Rule, bare
from harness.memory.rules.rule_text import unfit
from harness.text.secrets import Redactor


class Refused(HarnessError):
    """The rule does not come in or go out; the message says what stands against it."""


def examine(entries: Sequence[Learning], text: str, redactor: Redactor) -> None:
    """Raises Refused when these entries do not bear out a rule of these words."""
    if not entries:
        raise Refused("a rule needs lessons that it rests on: name at least one entry")
    held = [one.id for one in entries if one.quarantine]
    faults = [f"{one} is in quarantine" for one in held] or unfit(text, entries)
    if not faults and redactor.text(text) != text:
        faults = ["holds a secret"]
    if faults:
        raise Refused(
            f"no rule of {', '.join(one.id for one in entries)}: {'; '.join(faults)}",
            hint="word it by what its entries say, or write a line into MEMORY.md yourself",
        )


def rule_from(entries: Sequence[Learning], text: str, id: str, promoted: date) -> Rule:
    """The rule of these entries, with their counts, tasks and dates put together."""
    days = [day for one in entries for day in (one.first_seen, one.last_seen) if day]
    return Rule(
        id=id,
        text=text,
        entries=tuple(dict.fromkeys(one.id for one in entries)),
        count=sum(one.count for one in entries),
        tasks=len({task for one in entries for task in one.tasks}),
        first=min(days, default=promoted),
        last=max(days, default=promoted),
        promoted=promoted,
    )


def joined(old: Rule, new: Rule, known: Sequence[Learning]) -> Rule:
    """One rule that rests on the entries of both; `known` are all entries that there are."""
    ids = tuple(dict.fromkeys((*old.entries, *new.entries)))
    theirs = [one for one in known if one.id in ids]
    both = rule_from(theirs, old.text, old.id, old.promoted) if theirs else new
    return replace(
        old,
        entries=ids,
        count=max(old.count, both.count, new.count),
        tasks=max(old.tasks, both.tasks, new.tasks),
        first=min(old.first, new.first),
        last=max(old.last, new.last),
    )


def owned(line: Line) -> Rule:
    """The rule of a line that is the house's own. Raises Refused for a line of a person's."""
    if line.rule and not line.hand_written:
        return line.rule
    raise Refused(
        f'line {line.number} of MEMORY.md says so already: "{bare(line.text)}"',
        hint="it was written or edited by hand, and stays as it is",
    )


def check_older(line: Line, entries: Sequence[Learning]) -> None:
    """Raises Refused when the line may not make place: a person's, or newer than the entries."""
    if line.hand_written or line.rule is None:
        raise Refused(
            f'line {line.number} of MEMORY.md says otherwise: "{bare(line.text)}"',
            hint="it is not the house's to change: change or delete it, and promote again",
        )
    last = max((one.last_seen for one in entries if one.last_seen), default=date.min)
    if last < line.rule.last:
        raise Refused(
            f'line {line.number} of MEMORY.md says otherwise, and is newer: "{line.rule.text}"',
            hint=f"`harness memory undo {line.rule.id}` takes it back",
        )
