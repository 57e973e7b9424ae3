"""`harness memory learnings`: what was seen, how often, and whether its rule helps."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import typer

from harness.cli.output import (
    HomeOption,
    JsonOption,
    LimitOption,
    clean,
    counted,
    emit,
    note,
    say,
    short,
    table,
)
from harness.cli.output import the_home as home_of
from harness.cli.remembering import chosen, longterm, now_in
from harness.config.home import Home
from harness.config.settings import MemorySettings, read_settings
from harness.errors import HarnessError, explained
from harness.memory.learning import Learning, Status
from harness.memory.rules.gate import OPEN, Candidacy
from harness.memory.rules.recurrence import Recurrence, Verdict, recurrence
from harness.services.night.reflection import View, look

INTERESTING = (*OPEN, Status.PROMOTED, Status.PROMOTED_TO_SKILL)


@dataclass(frozen=True)
class Row:
    """An entry, and how it stands."""

    learning: Learning
    candidacy: Candidacy | None  # None: the entry is not open
    recurrence: Recurrence | None
    rule: str  # what MEMORY.md says because of it; empty when nothing does

    @property
    def does_not_help(self) -> bool:
        return self.recurrence is not None and self.recurrence.verdict is Verdict.DOES_NOT_HELP

    @property
    def standing(self) -> str:
        """What it lacks to become a rule, or what the rule did for it."""
        if self.recurrence is not None:
            return before_and_after(self.recurrence)
        if self.candidacy is None:
            return f"rests: {self.learning.status}"
        return "; ".join(self.candidacy.lacking) or "ready"


def learnings(
    agent: Annotated[str | None, typer.Argument(metavar="[A]", help="One agent's alone.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that are resolved, superseded, ...")
    ] = False,
    limit: LimitOption = 50,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lessons, the newest first: what each lacks to become a rule, and how often the mistake came
    before its rule and since."""
    place = home_of(home)
    settings, now = read_settings(place.settings_file, os.environ).memory, now_in(place)
    rows = [row for name in chosen(place, agent) for row in told(place, name, settings, now)]
    if not everything:
        rows = [row for row in rows if row.learning.status in INTERESTING]
    rows.sort(key=lambda row: str(row.learning.last_seen or ""), reverse=True)
    rows = rows[:limit]
    if as_json:
        emit([shape(row) for row in rows])
        return
    headers = ("id", "agent", "status", "seen", "tasks", "last", "what", "how it stands")
    table(headers, [cells(row) for row in rows], "nothing was learned yet")
    useless = sum(row.does_not_help for row in rows)
    if useless:
        say(f"\n{counted(useless, 'rule')} that did not help: the nightly reflection takes each a")
        say("step further, to the protocol, then to a check, then to you")


def told(home: Home, agent: str, settings: MemorySettings, now: datetime) -> list[Row]:
    """Every entry of an agent; none of one whose files cannot be read, which is said."""
    try:
        return list(rows_of(look(longterm(home, agent), settings, now), now))
    except OSError as error:
        note(f"{agent}: {explained(error)}")
    except HarnessError as error:
        note(f"{agent}: {error}")
    return []


def rows_of(view: View, now: datetime) -> Iterator[Row]:
    judged = {each.learning.id: each.candidacy for each in view.candidates}
    for entry in view.learnings:
        line = view.rule_for(entry)
        rule = line.rule.text if line and line.rule else ""
        yield Row(entry, judged.get(entry.id), recurrence(entry, now.date()), rule)


def before_and_after(numbers: Recurrence) -> str:
    """`before 3 in 7 days, since then 0 in 12: helps`."""
    days = f"{numbers.days} {'day' if numbers.days == 1 else 'days'}"
    before = f"before {numbers.before} in {numbers.days_before} days"
    return f"{before}, since then {numbers.after} in {days}: {numbers.verdict}"


def cells(row: Row) -> tuple[object, ...]:
    learning = row.learning
    return (
        learning.id,
        learning.agent,
        clean(learning.status) or "-",
        learning.count,
        len(learning.tasks),
        learning.last_seen,
        short(row.rule or learning.summary or learning.title, 60),
        row.standing,
    )


def shape(row: Row) -> Mapping[str, Any]:
    """docs/cli.md, the shape of a learning."""
    learning = row.learning
    return {
        "id": learning.id,
        "agent": learning.agent,
        "kind": learning.kind,
        "pattern_key": learning.pattern_key,
        "status": learning.status,
        "priority": learning.priority,
        "count": learning.count,
        "tasks": list(learning.tasks),
        "first_seen": learning.first_seen,
        "last_seen": learning.last_seen,
        "summary": learning.summary,
        "fix": learning.fix,
        "path": learning.path,
        "line": learning.line,
        "quarantine": list(learning.quarantine),
        "contradicted_by": learning.contradicted_by or None,
        "ready": row.candidacy is not None and row.candidacy.ready,
        "reasons": list(row.candidacy.reasons) if row.candidacy else [],
        "lacking": list(row.candidacy.lacking) if row.candidacy else [],
        "promoted": learning.promoted,
        "rule": row.rule or None,
        "recurrence": recurrence_shape(row.recurrence),
    }


def recurrence_shape(numbers: Recurrence | None) -> Mapping[str, Any] | None:
    if numbers is None:
        return None
    return {
        "before": numbers.before,
        "days_before": numbers.days_before,
        "after": numbers.after,
        "days_after": numbers.days,
        "per_30_days_before": round(numbers.rate_before, 2),
        "per_30_days_after": round(numbers.rate_after, 2),
        "verdict": numbers.verdict,
    }
