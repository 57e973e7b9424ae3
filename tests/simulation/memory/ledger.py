"""What a person could know of a house by keeping books of his own: who saw what on which day, which
lines are his, which rules were taken out, and which changes a crash kept from coming true."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from harness.config.home import Home
from harness.memory.learning import Observation
from harness.memory.rules.journal import Act, Change, Journal
from harness.memory.rules.lines import HEADING, Rule, rule_of
from harness.session.steps import Ended
from harness.text.lines import bare_lines, lines_of
from tests.simulation.memory.habits import AGENTS

WITHIN, TIMES, TASKS = 30, 3, 2  # days, times and tasks that a promotion needs, by the docs
Key = tuple[str, str]  # agent, id of an entry


@dataclass(frozen=True)
class Deleted:
    """A rule whose line a person took out."""

    agent: str
    rule: Rule
    day: date
    ours: bool  # it read as the house wrote it

    def is_like(self, other: Deleted) -> bool:
        """Whether it rests on the same lessons, whoever put it into words."""
        return self.agent == other.agent and not set(self.rule.entries).isdisjoint(
            other.rule.entries
        )


@dataclass
class Ledger:
    """All of it is kept by the simulation itself, but for the changes, which the journal tells."""

    home: Home
    seen: dict[Key, list[tuple[date, str]]] = field(default_factory=lambda: defaultdict(list))
    held: set[Key] = field(default_factory=set)  # seen by sessions that had read strangers
    notes: list[tuple[str, date, str]] = field(default_factory=list)
    hand: dict[str, list[str]] = field(default_factory=dict)  # a person's lines, in their order
    rules: dict[str, dict[str, Rule]] = field(default_factory=lambda: defaultdict(dict))
    deletions: list[Deleted] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)  # ids of rules whose words a person changed
    void: set[str] = field(default_factory=set)  # ids of changes that never came true
    checked: Counter[str] = field(default_factory=Counter)  # changes looked at, by agent
    resting: dict[Key, date] = field(default_factory=dict)  # since when only what is new counts
    remarks: list[tuple[Path, str]] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    works: list[str] = field(default_factory=list)
    stuck: Counter[Key] = field(default_factory=Counter)  # nights that a lesson was passed over

    def saw(self, agent: str, entry: str, seen: Observation) -> None:
        self.seen[agent, entry].append((seen.at.date(), seen.task))
        if seen.outside:
            self.held.add((agent, entry))

    def noted(self, agent: str, at: datetime, said: str) -> None:
        self.notes.append((agent, at.date(), said.partition(" <!--")[0]))

    def deleted(self, agent: str, rule: Rule, day: date, *, ours: bool = False) -> None:
        self.deletions.append(Deleted(agent, rule, day, ours))
        for entry in rule.entries:
            self.rest((agent, entry), day)

    def rest(self, key: Key, day: date) -> None:
        self.resting[key] = max(day, self.resting.get(key, day))

    def told(self, work: str, ended: Ended) -> None:
        self.works.append(work)
        self.reports.append(ended.result.text)

    def text(self, agent: str) -> str:
        path = self.home.memory_file(agent)
        return path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""

    def journal(self, agent: str) -> list[Change]:
        return Journal(self.home.learnings(agent)).changes()

    def counts(self) -> Mapping[str, int]:
        return {agent: len(self.journal(agent)) for agent in AGENTS}

    def look_all(self) -> None:
        for agent in AGENTS:
            self.look(agent)

    def look(self, agent: str, *, after_edit: bool = False) -> None:
        """Take down which rules stand; after an edit, also which lines are the person's."""
        text = self.text(agent)
        for line in bare_lines(text):
            if rule := rule_of(line):
                self.rules[agent][rule.id] = rule
        if after_edit:
            self.hand[agent] = own_lines(text, machine_lines(self.journal(agent)))
            here = {rule.id for line in bare_lines(text) if (rule := rule_of(line))}
            ours = {rule.id for rule in self.machine(agent).values()}
            self.taken |= here - ours

    def machine(self, agent: str) -> dict[str, Rule]:
        """The rules of the file that read as the house wrote them, by line."""
        ours = machine_lines(self.journal(agent))
        lines = bare_lines(self.text(agent))
        return {line: rule for line in lines if line in ours and (rule := rule_of(line))}

    def cut_off(self, known: Mapping[str, int]) -> None:
        """After a crash: an act that was told and not done is void."""
        for agent in AGENTS:
            new = self.journal(agent)[known[agent] :]
            if new:
                first = new[-1].part_of or new[-1].id
                act = [change for change in new if first in (change.id, change.part_of)]
                if not self.landed(agent, act):
                    self.void |= {change.id for change in act}
            self.look(agent)

    def landed(self, agent: str, act: Iterable[Change]) -> bool:
        here = set(bare_lines(self.text(agent)))
        come, gone = set[str](), set[str]()
        for change in act:
            before = {line for line in change.before.split("\n") if rule_of(line)}
            after = {line for line in change.after.split("\n") if rule_of(line)}
            come, gone = (come - before) | after, (gone - after) | before
        if not come and not gone:
            return True
        return come <= here and not (gone & here) if act else True

    def standing(self, agent: str) -> dict[str, str]:
        """The journal, replayed: the lines of rules that stand, by id."""
        found: dict[str, str] = {}
        for change in self.journal(agent):
            if change.id in self.void:
                continue
            for line in change.before.split("\n"):
                if rule := rule_of(line):
                    found.pop(rule.id, None)
            found |= {r.id: line for line in change.after.split("\n") if (r := rule_of(line))}
        gone = {one.rule.id for one in self.deletions} | self.taken
        return {id: line for id, line in found.items() if id not in gone}

    def proven(self, key: Key, day: date) -> bool:
        """Whether the evidence is enough on that day, by the numbers of docs/promotion.md."""
        since = self.resting.get(key, date.min)
        days = [
            (seen, task)
            for seen, task in self.seen[key]
            if 0 <= (day - seen).days <= WITHIN and seen > since
        ]
        return len(days) >= TIMES and len({task for _, task in days}) >= TASKS

    def follow(self, agent: str, change: Change) -> None:
        """What a change lets rest: the entries of rules that went, unless others took them in."""
        gone = entries_in(change.before) - entries_in(change.after)
        if change.action in (Act.UNDO, Act.REWRITE):
            for entry in gone:
                self.rest((agent, entry), change.at.date())


def entries_in(block: str) -> set[str]:
    rules = (rule_of(line) for line in block.split("\n"))
    return {entry for rule in rules if rule for entry in rule.entries}


def machine_lines(changes: Iterable[Change]) -> set[str]:
    """Every line of a rule that the house ever wrote."""
    return {line for change in changes for line in change.after.split("\n") if rule_of(line)}


def own_lines(text: str, machine: set[str]) -> list[str]:
    """A person's lines with their ends."""
    return [
        line
        for line in lines_of(text)
        if line.strip() and line.strip() != HEADING and line.rstrip("\r\n") not in machine
    ]
