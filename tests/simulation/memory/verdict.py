"""What must hold after every day of the quarter, and at its end."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from harness.memory.learning import Learning, Status
from harness.memory.lessons.book import Book
from harness.memory.rules.fitting import tokens_of
from harness.memory.rules.journal import Act, Change
from harness.memory.rules.lines import parse, rule_of
from harness.memory.rules.recurrence import Verdict, recurrence
from harness.memory.team.proposals import Proposals
from harness.text.lines import bare_lines, lines_of
from harness.text.secrets import Redactor
from tests.simulation.memory.habits import AGENTS
from tests.simulation.memory.ledger import Ledger, entries_in

if TYPE_CHECKING:
    from tests.simulation.memory.quarter import Quarter

BEST = 3  # hits that are compared
NIGHTS = 4  # that a proven lesson may wait without a word: a night makes five rules
QUESTIONS = (
    "alpha table field",
    "what is the closing report to name",
    "oil surged",
    "sigma_table BUY",
    "did the yen creep",
    "owner likes",
)


def check_day(quarter: Quarter, day: int) -> None:
    """Raises AssertionError with the promise that was broken."""
    for agent in AGENTS:
        try:
            check_agent(quarter, agent)
        except AssertionError as error:
            raise AssertionError(f"day {day}, {agent}: {error}") from None
    check_reports(quarter.ledger)
    if quarter.ledger.works[-1] == "gather":
        check_proposals(quarter)


def check_agent(quarter: Quarter, agent: str) -> None:
    ledger = quarter.ledger
    keeps_the_persons_lines(ledger, agent)
    throws_nothing_away(ledger, agent)
    fits(quarter, agent)
    is_what_the_journal_tells(ledger, agent)
    for change in ledger.journal(agent)[ledger.checked[agent] :]:
        if change.id not in ledger.void:
            is_earned(ledger, agent, change)
            ledger.follow(agent, change)
    ledger.checked[agent] = len(ledger.journal(agent))
    rests_on_its_entries(quarter, agent)
    passes_nothing_over(quarter, agent)


def keeps_the_persons_lines(ledger: Ledger, agent: str) -> None:
    lines = [line.rstrip("\r\n") for line in lines_of(ledger.text(agent))]
    whole = set(lines_of(ledger.text(agent)))
    place = iter(lines)
    for line in ledger.hand.get(agent, ()):
        text = line.rstrip("\r\n")
        assert any(text == one for one in place), f"a person's line is gone: {text!r}"
        assert line in whole or line == text, f"a person's line has another end: {line!r}"
    for path, said in ledger.remarks:
        assert said in path.read_text(), f"{path.name} lost {said!r}"


def throws_nothing_away(ledger: Ledger, agent: str) -> None:
    here = {rule.id for line in bare_lines(ledger.text(agent)) if (rule := rule_of(line))}
    told = "\n".join(change.before for change in ledger.journal(agent))
    deleted = {one.rule.id for one in ledger.deletions} | ledger.taken
    for id, rule in ledger.rules[agent].items():
        assert id in here | deleted or f"rule {id} " in told, f"lost: {rule.line()}"
    folder = ledger.home.memory(agent)
    archive = [line for path in folder.glob(".archive/2*.md") for line in bare_lines(text_of(path))]
    logs = {path.stem: bare_lines(text_of(path)) for path in folder.glob("2*.md")}
    for owner, day, said in ledger.notes:
        if owner == agent and not any(said in line for line in logs.get(str(day), ())):
            kept = (line for line in archive if line.startswith(f"- {day} "))
            assert any(said in line for line in kept), f"a note is lost: {day} {said}"


def text_of(path: Path) -> str:
    return path.read_bytes().decode()


def fits(quarter: Quarter, agent: str) -> None:
    ledger = quarter.ledger
    if "compress" not in ledger.works[-3:]:
        return
    report = ledger.reports[-3:][ledger.works[-3:].index("compress")]
    size = quarter.sizes_after_compress.get(agent, 0)
    limit = quarter.crew.settings.memory.limit
    assert (
        size <= limit
        or f"{agent}: MEMORY.md has" in report
        or f"{agent}: MEMORY.md was not" in (report)
    ), f"MEMORY.md has {size} tokens, and nobody says so: {report}"


def rests_on_its_entries(quarter: Quarter, agent: str) -> None:
    """Each entry in one rule at most, none of strangers, and with all its counts."""
    ledger = quarter.ledger
    entries = {one.id: one for one in Book(quarter.home, agent, Redactor()).learnings()}
    machine = ledger.machine(agent)
    knows_what_it_is(ledger, agent, entries.values())
    used = Counter(entry for rule in machine.values() for entry in rule.entries)
    assert not used or max(used.values()) == 1, f"an entry became two rules: {used}"
    for entry in used:
        assert entry in entries, f"a rule rests on {entry}, which is not there"
        assert (agent, entry) not in ledger.held, f"{entry} is strangers' and became a rule"
    for (owner, entry), seen in ledger.seen.items():
        if owner == agent and (agent, entry) not in ledger.held:
            count = entries[entry].count
            assert count == len(seen), f"{entry} was seen {len(seen)} times and says {count}"


def knows_what_it_is(ledger: Ledger, agent: str, entries: Iterable[Learning]) -> None:
    """An entry that says it is a rule is one, or rests; one that is a rule says so."""
    lines = parse(ledger.text(agent))
    here = {entry for line in lines if line.rule for entry in line.rule.entries}
    adopted = {entry for one in ledger.deletions for entry in one.rule.entries}
    for entry in entries:
        if entry.status == Status.PROMOTED:
            rests = (agent, entry.id) in ledger.resting or entry.id in adopted
            assert entry.id in here or rests, f"{entry.id} says it is a rule, and is none"
        assert entry.id not in here or entry.promoted, f"{entry.id} is a rule and does not say so"


def is_what_the_journal_tells(ledger: Ledger, agent: str) -> None:
    file = {rule.id: line for line, rule in ledger.machine(agent).items()}
    told = ledger.standing(agent)
    assert file == told, (
        f"the journal does not replay to the file: only there {told.keys() - file.keys()},"
        f" only here {file.keys() - told.keys()}"
    )


def is_earned(ledger: Ledger, agent: str, change: Change) -> None:
    """A rule comes when the numbers are there, and after it was taken out when new ones are."""
    if change.action not in (Act.PROMOTE, Act.MERGE):
        return
    for entry in change.entries:
        key, day = (agent, entry), change.at.date()
        assert ledger.proven(key, day), (
            f"{entry} was promoted on {day} by {ledger.seen[key]}, resting since"
            f" {ledger.resting.get(key)}"
        )
    mine = (one.rule.id for one in ledger.deletions)
    assert not entries_in(change.after) or not set(mine) & {
        rule.id for line in change.after.split("\n") if (rule := rule_of(line))
    }, "a rule that a person deleted came back"


def passes_nothing_over(quarter: Quarter, agent: str) -> None:
    """A proven lesson is a rule, or the report says why it is none."""
    ledger, today = quarter.ledger, quarter.clock.now().date()
    here = {entry for line in parse(ledger.text(agent)) if line.rule for entry in line.rule.entries}
    for entry in Book(quarter.home, agent, Redactor()).learnings():
        key = (agent, entry.id)
        settled = entry.status == Status.SUPERSEDED or bool(entry.contradicted_by)
        told = any(entry.id in report for report in ledger.reports[-3:])
        is_open = not settled and key not in ledger.held and entry.id not in here
        if is_open and not told and ledger.proven(key, today):
            ledger.stuck[key] += 1
        else:
            ledger.stuck[key] = 0
        assert ledger.stuck[key] <= NIGHTS, (
            f"{entry.id} ({entry.status}) is proven, is no rule, and nobody says why"
        )


def check_reports(ledger: Ledger) -> None:
    """What a person must hear, he hears once."""
    lines = Counter(line for text in ledger.reports for line in text.splitlines())
    urgent = Counter(
        line.split(": “")[0] + line.partition("(")[2].partition(")")[0]
        for line in lines.elements()
        if "**P0**" in line
    )
    assert not urgent or max(urgent.values()) == 1, f"told twice: {urgent}"


def tells_what_was_struck(quarter: Quarter) -> None:
    """Once for each rule that was deleted, unless a crash took the report with it."""
    texts = quarter.ledger.reports
    told = Counter(line for text in texts for line in text.splitlines() if "you removed" in line)
    for one in quarter.ledger.deletions:
        said = f"{one.agent}: you removed “{one.rule.text}”"
        lines = [line for line in told.elements() if said in line]
        alike = [each for each in quarter.ledger.deletions if each.is_like(one)]
        assert len(lines) <= len(alike), f"told twice: {lines}"
        assert lines or not one.ours or quarter.seam.crashes, f"never told: {said}"


def check_proposals(quarter: Quarter) -> None:
    proposals = Proposals(quarter.home, Redactor())
    assert not proposals.broken(), f"proposals that do not parse: {proposals.broken()}"
    made = Counter(
        (each.wish.kind, entry) for each in proposals.waiting() for entry in each.wish.entries
    )
    assert not made or max(made.values()) == 1, f"proposed twice: {made}"


def check_end(quarter: Quarter) -> None:
    for agent in AGENTS:
        helps(quarter, agent)
    tells_what_was_struck(quarter)
    searches_alike(quarter)


def helps(quarter: Quarter, agent: str) -> None:
    """The rule of who obeys it is said to help, as soon as the numbers allow it."""
    ledger, today = quarter.ledger, quarter.clock.now().date()
    obedient = {
        habit.seen("", quarter.clock.now()).key
        for habit in quarter.habits
        if habit.agent == agent and habit.obeys
    }
    rules = {entry: rule for rule in ledger.machine(agent).values() for entry in rule.entries}
    for entry in Book(quarter.home, agent, Redactor()).learnings():
        rule = rules.get(entry.id)
        if rule is None or entry.pattern_key not in obedient:
            continue
        again = [day for day, _ in ledger.seen[agent, entry.id] if day > rule.promoted]
        numbers = recurrence(entry, today)
        assert numbers is not None, f"{entry.id} is a rule and not marked as one"
        enough = is_enough(ledger.seen[agent, entry.id], rule.promoted, today)
        if not again and enough:
            assert numbers.verdict is Verdict.HELPS, f"{entry.id}: {numbers}"
        if not again:
            assert numbers.verdict is not Verdict.DOES_NOT_HELP, f"{entry.id}: {numbers}"


def is_enough(seen: list[tuple[date, str]], promoted: date, today: date) -> bool:
    """Whether it stayed away for a week in which it would have come twice and more."""
    before = [day for day, _ in seen if day <= promoted]
    span = max((promoted - min(before)).days + 1, 7)
    days = (today - promoted).days
    return days >= 7 and len(before) / span * days > 2.01


def searches_alike(quarter: Quarter) -> None:
    """The index that went along all the time holds what a new one holds, and finds the same. Scores
    are measured by the other candidates, of which equals are taken by the order they came in: they
    may differ a little."""
    before = {question: hits_of(quarter, question) for question in QUESTIONS}
    held = quarter.index.using(contents)
    quarter.index.rebuild()
    assert held == quarter.index.using(contents), "the index holds what a new one does not"
    for question, hits in before.items():
        assert hits == hits_of(quarter, question), f"another answer to {question!r}"
    assert any(before.values()), "nothing is found at all"


def contents(db: sqlite3.Connection) -> tuple[list[tuple[object, ...]], ...]:
    """What it counts of terms, files and speakers, without their numbers."""
    return (
        db.execute("SELECT term, units FROM frequency WHERE units <> 0 ORDER BY term").fetchall(),
        db.execute("SELECT path, agent, kind, units, length FROM files ORDER BY path").fetchall(),
        db.execute(
            "SELECT path, name, speakers.units FROM speakers JOIN files ON files.id = file"
            " ORDER BY path, name"
        ).fetchall(),
    )


def hits_of(quarter: Quarter, question: str) -> list[tuple[object, ...]]:
    search = quarter.index.search
    found = [hit for agent in AGENTS for hit in search(question, agent=agent, k=BEST)]
    return sorted((hit.id, hit.unit.path, hit.unit.line, hit.superseded_by) for hit in found)


def size_of(quarter: Quarter, agent: str) -> int:
    return tokens_of(parse(quarter.ledger.text(agent)))
