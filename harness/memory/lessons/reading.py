"""An entry of a file, read as a learning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from harness.memory.learning import Kind, Learning, Status
from harness.memory.lessons.entries import Entry, EntryFile
from harness.memory.lessons.sightings import day_in, sightings, tasks_of
from harness.memory.lessons.witnesses import FIX, NO_WORDS, quarantine_of

SUMMARY = {
    Kind.ERROR: "Summary",
    Kind.LEARNING: "Summary",
    Kind.FEATURE: "Requested Capability",
}
KNOWN = 8_192  # entries that are not read again as long as they stay: about 4 kB each
_KINDS = {kind.prefix: kind for kind in Kind}
_COUNT = re.compile(r"\d{1,9}")


def kind_of(entry_id: str) -> Kind | None:
    """What an id says of its entry. Of another type (`HEAL-...`): None. Such an entry is kept and
    never read as a learning, for nobody here knows what its words mean and when it is settled."""
    return _KINDS.get(entry_id.partition("-")[0].upper())


def learnings_in(file: EntryFile, agent: str, path: str) -> Iterator[Learning]:
    """The learnings of a file, in its order. `path` is that of the file, relative to the home."""
    first_line = file.preamble.partition("\n")[0]
    for entry in file.entries:
        if kind_of(entry.id):
            words = (entry.text, entry.id, entry.title, agent, path, first_line)
            yield _placed(entry.line, *words)


@lru_cache(maxsize=KNOWN)
def _placed(line: int, *words: str) -> Learning:
    return replace(_known(*words), line=line)


@lru_cache(maxsize=KNOWN)
def _known(text: str, id: str, title: str, agent: str, path: str, first_line: str) -> Learning:
    """A learning, but for its line. What is kept goes by every word that it was read from, so a
    file that is another one is never taken for what it was."""
    kind = kind_of(id)
    if kind is None:
        raise ValueError(f"{id} is no id of a learning")
    return learning_of(Entry(id, title, 0, text), kind, agent, path, first_line)


def learning_of(entry: Entry, kind: Kind, agent: str, path: str, preamble: str = "") -> Learning:
    """What an entry says; what it leaves out is empty, and its count at least that of its tasks.

    What sessions saw that had read strangers counts only as long as the entry is in quarantine,
    and so can become no rule.
    """
    seen = sightings(entry)
    held = quarantine_of(entry, preamble)
    marked = [] if held else [sighting.seen.task for sighting in seen if sighting.after]
    free = {sighting.seen.task for sighting in seen if not sighting.after}
    tasks = [task for task in tasks_of(entry) if task in free or task not in marked]
    first = day_in(entry.field("First-Seen")) or day_in(entry.field("Logged"))
    said = {name: text for name, text in entry.sections() if name not in NO_WORDS}
    return Learning(
        id=entry.id,
        agent=agent,
        kind=kind,
        title=readable(entry.title),
        status=status_of(entry),
        priority=readable(entry.field("Priority")),
        pattern_key=readable(entry.field("Pattern-Key")),
        count=max(0, count_of(entry) - len(marked)),
        tasks=tuple(readable(task) for task in tasks),
        first_seen=first,
        last_seen=day_in(entry.field("Last-Seen")) or first,
        summary=readable(entry.section(SUMMARY[kind]) or entry.section("Summary")),
        fix=readable(entry.section(FIX[kind])),
        evidence=readable("\n\n".join([entry.title, *said.values()])),
        verifications=tuple(sighting.seen for sighting in seen if not sighting.after),
        quarantine=tuple(readable(name) for name in held),
        contradicted_by=readable(entry.field("Contradicted-By").split(",")[0].strip()),
        promoted=day_in(entry.field("Promoted")),
        path=path,
        line=entry.line,
        contradicts=tuple(re.findall(r"[^\s,]+", readable(entry.field("Contradicts")))),
    )


def status_of(entry: Entry) -> str:
    """Its status; a word that is none of ours stays as it is."""
    word = readable(entry.field("Status"))
    return word.casefold() if word.casefold() in set(Status) else word


def count_of(entry: Entry) -> int:
    found = _COUNT.match(entry.field("Recurrence-Count"))
    return int(found[0]) if found else max(1, len(tasks_of(entry)))


def readable(text: str) -> str:
    """A text whose odd bytes are shown as such; in the file they stay what they are."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def forget() -> None:
    """Read every entry anew from here on: for measuring."""
    _placed.cache_clear()
    _known.cache_clear()
