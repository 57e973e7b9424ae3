"""What the journal tells: which rules are ours, what was taken back, and what made a rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from itertools import takewhile

from harness.errors import HarnessError, NotFound
from harness.memory.rules.gate import Undone
from harness.memory.rules.journal import Act, Change
from harness.memory.rules.lines import Rule, rule_of
from harness.memory.rules.patches import Patch, exchanging, restoring, rules_in, without


def rules_of(block: str) -> list[Rule]:
    """The rules in one side of a patch."""
    return [rule for line in block.split("\n") if (rule := rule_of(line))]


def entries_of(block: str) -> set[str]:
    """The entries that the rules in one side of a patch rest on."""
    return {entry for rule in rules_of(block) for entry in rule.entries}


def own_lines(changes: Iterable[Change]) -> set[str]:
    """Every line that the house put into the file: a rule that reads otherwise was edited."""
    return {line for change in changes for line in change.after.split("\n")}


def made_above(changes: Iterable[Change]) -> tuple[str, ...]:
    """What the house wrote above its first rule: a heading, a blank line; empty when nothing."""
    made: tuple[str, ...] = ()
    for change in changes:
        if not change.before:
            made = _prefix(change.after) or made
        elif not change.after and _prefix(change.before):
            made = ()
    return made


def _prefix(block: str) -> tuple[str, ...]:
    """The lines above the first rule of a patch."""
    return tuple(takewhile(lambda line: rule_of(line) is None, _lines(block)))


def act_of(changes: Sequence[Change], id: str) -> list[Change]:
    """The changes that were made in one act with `id`, itself the first. Raises NotFound."""
    known = {change.id: change for change in changes}
    if id not in known:
        raise NotFound(
            f"no change {id} in the journal",
            hint="`harness memory why LINE` tells the changes that made a line",
        )
    first = known[id].part_of or id
    return [change for change in changes if first in (change.id, change.part_of)]


def lets_rest(changes: Sequence[Change], change: Change) -> bool:
    """Whether the entries of rules that went with it may become rules again, of new evidence: they
    were taken back, struck by a person, or made room. An undo of an undo does the thing again."""
    known = {each.id: each for each in changes}
    taken_back = False
    while change.action is Act.UNDO and change.undoes in known:
        change = known[change.undoes]
        taken_back = not taken_back
    return taken_back or change.action in (Act.REMOVE, Act.REWRITE)


def check_undoable(changes: Sequence[Change], id: str) -> None:
    """Raises HarnessError when the change is taken back already, and that stands."""
    undo = next((one for one in reversed(changes) if one.undoes == id), None)
    if undo and next((one for one in changes if one.undoes == undo.id), None) is None:
        raise HarnessError(
            f"{id} was taken back already, by {undo.by} on {undo.at.date()}",
            hint=f"undo {undo.id} makes it again",
        )


def undone(changes: Sequence[Change], zone: tzinfo | None) -> Mapping[str, Undone]:
    """The entries whose rule went, by id, whether or not it came again: a crash may have kept a new
    one from the file. Those of superseded rules are none of them. Days are those of the zone, and
    never before what the rule had seen: the clock may have been set back."""
    found: dict[str, Undone] = {}
    for change in changes:
        gone = entries_of(change.before) - entries_of(change.after)
        if gone and lets_rest(changes, change):
            rules = rules_of(change.before)
            day = max(change.at.astimezone(zone).date(), *(rule.last for rule in rules))
            count = sum(rule.count for rule in rules)
            found |= {entry: Undone(day, count) for entry in gone}
    return found


def last_rule(changes: Iterable[Change], id: str) -> Rule | None:
    """The rule as it was last told; None when the journal does not know it."""
    told = (rule for one in changes for side in (one.before, one.after) for rule in rules_of(side))
    return next((rule for rule in reversed(list(told)) if rule.id == id), None)


def concerning(changes: Iterable[Change], rule_id: str) -> tuple[Change, ...]:
    return tuple(
        change
        for change in changes
        if any(rule.id == rule_id for rule in rules_of(f"{change.before}\n{change.after}"))
    )


def inverse(text: str, change: Change, made: Sequence[str], now: Mapping[str, str]) -> Patch:
    """The patch that takes a change back in this text. Raises Stale.

    `made`: the lines that the house wrote above its first rule; `now`: its rules as they read
    today, by id. A promotion is taken back also when others joined its rule since.
    """
    before, after = _lines(change.before), _lines(change.after)
    if change.action is Act.PROMOTE:
        after = [now.get(rule.id, line) if (rule := rule_of(line)) else line for line in after]
    if not after:
        return restoring(text, before, change.line, change.above)
    if not before:
        return without(text, rules_in(after), made)
    return exchanging(text, after, before)


def _lines(block: str) -> list[str]:
    return block.split("\n") if block else []
