"""A new entry: an observation in the format of its file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from harness.clock import stamp
from harness.memory.learning import Kind, Observation, Source, Verification
from harness.memory.lessons.entries import EntryFile
from harness.memory.lessons.harmless import harmless, one_line, one_word
from harness.memory.lessons.lines import newline_of, open_fence
from harness.memory.lessons.reading import SUMMARY
from harness.memory.lessons.sightings import SECTION, Sighting, readers_of
from harness.memory.lessons.witnesses import FIX
from harness.text.marks import QUARANTINE, tidy
from harness.text.secrets import Redactor
from harness.text.words import clip

HEADINGS = {
    Kind.ERROR: "# Errors\n",
    Kind.LEARNING: "# Learnings\n",
    Kind.FEATURE: "# Feature requests\n",
}
DETAILS = {Kind.ERROR: "Context", Kind.LEARNING: "Details", Kind.FEATURE: "User Context"}
SENTENCE, PARAGRAPH = 500, 4_000  # characters of what an entry says


def keepable(seen: Observation, redactor: Redactor) -> Observation:
    """The observation as it may stand in a file: without secrets, structure and excess."""

    def line(text: str) -> str:
        return one_line(clip(redactor.text(" ".join(text.split())), SENTENCE))

    def block(text: str) -> str:
        return harmless(clip(redactor.text(text), PARAGRAPH))

    return replace(
        seen,
        title=line(seen.title),
        summary=line(seen.summary),
        key=one_word(redactor.text(seen.key)),
        task=one_word(seen.task),
        details=block(seen.details),
        error=block(seen.error),
        fix=block(seen.fix),
        outside=tuple(tidy(source) for source in seen.outside),
    )


def appended(before: str, number: str, seen: Observation) -> str:
    """The file with a new entry at its end, and nothing else changed. A block of code that is
    open there is closed first: the entry would be part of it."""
    newline = newline_of(before)
    fence = open_fence(before)
    start = "" if not before or before.endswith(("\n", "\r")) else newline
    closed = f"{fence}{newline}" if fence else ""
    gap = "" if not fence and before.endswith((newline * 2,)) else newline
    return before + start + closed + gap + rendered(number, seen).replace("\n", newline)


def rendered(number: str, seen: Observation) -> str:
    """The entry, from its heading to the line that ends it."""
    head = (
        f"## [{number}] {seen.title}\n\n"
        f"**Logged**: {stamp(seen.at)}\n**Priority**: {priority_of(seen)}\n**Status**: pending\n"
    )
    said = "".join(f"\n### {name}\n{text}\n" for name, text in sections(seen) if text)
    metadata = "".join(f"- {line}\n" for line in metadata_of(seen))
    seen_on = sighting_of(seen).render()
    return f"{head}{said}\n### Metadata\n{metadata}\n### {SECTION}\n{seen_on}\n\n---\n"


def priority_of(seen: Observation) -> str:
    """What a person took the time to say comes first."""
    return "high" if seen.source is Source.PERSON else "medium"


def sections(seen: Observation) -> Iterator[tuple[str, str]]:
    yield SUMMARY[seen.kind], seen.summary
    yield "Error", f"```\n{seen.error}\n```" if seen.error else ""
    yield DETAILS[seen.kind], seen.details
    yield FIX[seen.kind], seen.fix


def metadata_of(seen: Observation) -> Iterator[str]:
    yield f"Source: {seen.source.told}"
    if seen.kind is Kind.ERROR:
        yield "Reproducible: unknown"
    if seen.kind is Kind.FEATURE:
        yield "Frequency: first_time"
    yield f"Tasks: {seen.task}"
    if seen.outside:
        yield f"{QUARANTINE}{readers_of(seen.outside)}"
    if seen.key:
        yield f"Pattern-Key: {seen.key}"
    if seen.contradicts:
        yield f"Contradicts: {seen.contradicts}"
    yield "Recurrence-Count: 1"
    yield f"First-Seen: {seen.at:%Y-%m-%d}"
    yield f"Last-Seen: {seen.at:%Y-%m-%d}"


def sighting_of(seen: Observation) -> Sighting:
    verification = Verification(seen.at.date(), seen.task, seen.source)
    return Sighting(verification, readers_of(seen.outside))


def next_id(file: EntryFile, kind: Kind, at: datetime) -> str:
    """The next free number of the day, beyond every one that is taken."""
    start = f"{kind.prefix}-{at:%Y%m%d}-"
    used = (entry.id[len(start) :] for entry in file.entries if entry.id.startswith(start))
    numbers = [int(end) for end in used if end.isascii() and end.isdigit() and len(end) < 10]
    return f"{start}{1 + max(numbers, default=0):03d}"
