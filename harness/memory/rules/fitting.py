"""What of a MEMORY.md makes room when it is too long: what machines wrote, never a person's line.

Pure: lines and numbers in, patches out. What has expired and duplicates go at any length; then, as
long as the file is too long, what other programs promoted, from the top, then rules that do not
help, then those whose mistake was seen longest ago.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import islice, takewhile

from harness.memory.rules.condensing import MOST_ENTRIES
from harness.memory.rules.gate import says_the_same
from harness.memory.rules.lines import Line, Rule, bare
from harness.memory.rules.patches import Patch
from harness.text.tokens import estimate_tokens


@dataclass(frozen=True)
class Going:
    """An entry that leaves the file, and why."""

    line: Line
    why: str
    below: tuple[Line, ...] = ()  # what goes with it, such as where another program had it from

    @property
    def lines(self) -> tuple[Line, ...]:
        return (self.line, *self.below)

    @property
    def name(self) -> str:
        """The id of the rule; of what another program wrote, its place."""
        return self.line.rule.id if self.line.rule else f"line {self.line.number}"

    @property
    def says(self) -> str:
        return self.line.rule.text if self.line.rule else bare(self.line.text)

    @property
    def tokens(self) -> int:
        return sum(estimate_tokens(line.whole) for line in self.lines)


@dataclass(frozen=True)
class Fitted:
    """What to do with a file."""

    going: tuple[Going, ...]
    changed: Mapping[int, Rule]  # by number of line: rules that say the same in another line

    @property
    def is_empty(self) -> bool:
        return not self.going and not self.changed

    def patches(self, lines: Sequence[Line]) -> list[Patch]:
        gone = {each.line.number for each in self.going}
        found = [
            Patch(each.line.number, tuple(line.text for line in each.lines), ())
            for each in self.going
        ]
        return found + [
            Patch(line.number, (line.text,), (self.changed[line.number].line(),))
            for line in lines
            if line.number in self.changed and line.number not in gone
        ]


def tokens_of(lines: Sequence[Line]) -> int:
    return estimate_tokens("".join(line.whole for line in lines))


def fitted(
    lines: Sequence[Line],
    limit: int,
    today: date,
    useless: Collection[str] = (),
    shorter: Mapping[int, str] | None = None,
) -> Fitted:
    """What makes the file fit into `limit` tokens, as far as a quarter of its entries allows.

    `useless`: ids of rules that do not help. `shorter`: new words of rules, by number of line.
    """
    own = [line for line in lines if line.rule and not line.hand_written]
    changed = {
        line.number: line.rule for line in own if line.rule and (shorter or {}).get(line.number)
    }
    changed = {n: replace(rule, text=(shorter or {})[n]) for n, rule in changed.items()}
    most = sum(line.item for line in lines) // MOST_ENTRIES
    foreign = foreigners(lines)
    going = list(islice(expired(own, foreign, today), most))
    left = [line for line in own if line not in [each.line for each in going]]
    for kept, double in islice(doubles(left), most - len(going)):
        changed[kept.number] = joined(changed.get(kept.number) or rule_in(kept), rule_in(double))
        going.append(Going(double, f"says the same as rule {rule_in(kept).id}"))
    room = tokens_of(lines) - limit - saved(lines, changed)
    room -= sum(each.tokens for each in going)
    for each in (*foreign, *by_worth(left, useless)):
        if room <= 0 or len(going) >= most:
            break
        if each.line not in [one.line for one in going]:
            going.append(each)
            room -= each.tokens
    return Fitted(tuple(going), changed)


def rule_in(line: Line) -> Rule:
    if line.rule is None:
        raise ValueError(f"line {line.number} is no rule")
    return line.rule


def is_foreign(line: Line) -> bool:
    """Whether another program wrote this entry."""
    return line.item and line.rule is None and not line.hand_written


def foreigners(lines: Sequence[Line]) -> list[Going]:
    """What other programs promoted, each entry with the lines of theirs right below it."""
    return [
        Going(line, "another program wrote it", tuple(takewhile(is_tail, lines[line.number :])))
        for line in lines
        if is_foreign(line)
    ]


def is_tail(line: Line) -> bool:
    """Whether another program wrote it below an entry, as its source."""
    is_heading = line.text.startswith("#")
    return not (line.item or line.rule or line.hand_written or is_heading)


def expired(own: Sequence[Line], foreign: Sequence[Going], today: date) -> Iterator[Going]:
    for each in (*map(partial(Going, why=""), own), *foreign):
        if each.line.expires and each.line.expires < today:
            yield replace(each, why=f"expired {each.line.expires}")


def doubles(own: Sequence[Line]) -> Iterator[tuple[Line, Line]]:
    """Pairs of a rule and a later one that says the same."""
    kept: list[Line] = []
    for line in own:
        text = rule_in(line).text
        same = next((one for one in kept if says_the_same(rule_in(one).text, text)), None)
        if same is None:
            kept.append(line)
        else:
            yield same, line


def joined(rule: Rule, other: Rule) -> Rule:
    """One rule that rests on the entries of both. Tasks may be the same: the larger number."""
    return replace(
        rule,
        entries=tuple(dict.fromkeys((*rule.entries, *other.entries))),
        count=rule.count + other.count,
        tasks=max(rule.tasks, other.tasks),
        first=min(rule.first, other.first),
        last=max(rule.last, other.last),
    )


def saved(lines: Sequence[Line], changed: Mapping[int, Rule]) -> int:
    """Tokens that the new forms of rules take less."""
    old = [line for line in lines if line.number in changed]
    new = sum(estimate_tokens(changed[line.number].line()) for line in old)
    return sum(estimate_tokens(line.text) for line in old) - new


def by_worth(own: Sequence[Line], useless: Collection[str]) -> list[Going]:
    """Rules in the order in which they go: those that do not help, then the oldest."""
    order = sorted(own, key=lambda one: (rule_in(one).id not in useless, rule_in(one).last))
    return [
        Going(
            line,
            "does not help" if rule_in(line).id in useless else f"last seen {rule_in(line).last}",
        )
        for line in order
    ]
