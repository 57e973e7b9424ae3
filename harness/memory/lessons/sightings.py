"""The lines below `### Verifications`: when, in which task and by whom an entry was seen.

`- 2026-11-18 01TASK tool` is a verification. `- 2026-11-18 01TASK agent, after reading b.test` was
seen by a session that had read strangers: it verifies nothing. Who deletes the end of such a line
has looked, and stands for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from harness.memory.learning import Source, Verification
from harness.memory.lessons.entries import Entry
from harness.text.marks import MOST, tidy

SECTION = "Verifications"
KEPT = 30  # verifications, and names of tasks: the newest
MARKED = 10  # lines of sessions that had read strangers; what they show after that is not kept
_LINE = re.compile(r"[-*+] +(\d{4}-\d\d-\d\d) +(\S+) +(\w+)(, after reading .*)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Sighting:
    """One time that an entry was seen."""

    seen: Verification
    after: str = ""  # whom the session had read

    def render(self) -> str:
        seen = self.seen
        after = f", after reading {self.after}" if self.after else ""
        return f"- {seen.day} {seen.task} {seen.source}{after}"


def sightings(entry: Entry) -> list[Sighting]:
    """When an entry was seen, oldest first. One without the section was seen once in each task
    that it names, on the days that it names."""
    listed = [_LINE.fullmatch(line) for line in entry.bullets(SECTION)]
    if any(listed):
        return [sighting for found in listed if found and (sighting := sighting_of(found))]
    return implied(entry)


def sighting_of(found: re.Match[str]) -> Sighting | None:
    day = day_in(found[1])
    if day is None or found[3] not in set(Source):
        return None
    return Sighting(
        Verification(day, found[2], Source(found[3])),
        (found[4] or "").removeprefix(", after reading "),
    )


def implied(entry: Entry) -> list[Sighting]:
    """What an entry says of its tasks that was written before there were verifications."""
    first = day_in(entry.field("First-Seen")) or day_in(entry.field("Logged"))
    last = day_in(entry.field("Last-Seen")) or first
    if first is None or last is None:
        return []
    source = next((s for s in reversed(Source) if s.told == entry.field("Source")), Source.AGENT)
    held = entry.field("Trust").startswith("quarantine")
    after = entry.field("Trust").partition("after reading ")[2] if held else ""
    return [
        Sighting(Verification(last if number else first, task, source), after)
        for number, task in enumerate(tasks_of(entry))
    ]


def written_out(entry: Entry) -> Entry:
    """The entry with a line for each sighting that it only implied."""
    lines = [] if entry.bullets(SECTION) else implied(entry)
    for old in lines:
        entry = entry.with_bullet(SECTION, old.render())
    return entry


def with_sighting(entry: Entry, sighting: Sighting) -> Entry:
    """The entry with one more line; of the verifications, the newest stay."""
    entry = written_out(entry)
    free = [old.render() for old in sightings(entry) if not old.after]
    for old in free[: max(0, len(free) - KEPT + 1)] if not sighting.after else ():
        entry = entry.without_bullet(SECTION, old)
    return entry.with_bullet(SECTION, sighting.render())


def tasks_of(entry: Entry) -> tuple[str, ...]:
    """The tasks that an entry names, oldest first: `Task` in older ones, `Tasks`."""
    named = f"{entry.field('Task')} {entry.field('Tasks')}"
    return tuple(dict.fromkeys(re.findall(r"[^\s,]+", named)))


def with_task(entry: Entry, task: str) -> Entry:
    """The entry with one more task, if it does not name it yet."""
    if task in tasks_of(entry):
        return entry
    listed = re.findall(r"[^\s,]+", entry.field("Tasks"))
    return entry.with_field("Tasks", ", ".join([*listed, task][-KEPT:]))


def readers_of(sources: Iterable[str]) -> str:
    """The names of strangers as they stand in a line."""
    names = list(dict.fromkeys(tidy(source) for source in sources))
    more = f", and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more


def day_in(text: str) -> date | None:
    """The first date in a text."""
    for found in _DAY.findall(text):
        try:
            return date.fromisoformat(found)
        except ValueError:
            continue
    return None
