"""One more observation in a file of entries: counted on the entry that says the same, or appended.

Pure. Which entry it is, in this order: one with the same Pattern-Key; one whose summary shares at
least `similar` of its words (Jaccard), unless both have keys, or the two say opposite things. An
entry in quarantine is met by other sessions that read strangers, and by who confirms it: a free
lesson is not lost in it. A task counts once for each source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date

from harness.memory.contradiction import contradicts
from harness.memory.learning import Observation, Status
from harness.memory.lessons.entries import Entry, EntryFile, parse
from harness.memory.lessons.reading import SUMMARY, count_of, kind_of, status_of
from harness.memory.lessons.sightings import MARKED, day_in, sightings, with_sighting, with_task
from harness.memory.lessons.witnesses import FIX, confirms, freed, plain, quarantine_of
from harness.memory.lessons.writing import HEADINGS, appended, next_id, sighting_of
from harness.text.words import fold, similarity, terms

AGAIN = (("Reproducible", "unknown", "yes"), ("Frequency", "first_time", "recurring"))
SLACK = 1e-9  # a share may be a hair below what it is by the rounding of numbers
SETTLED = frozenset((Status.WONT_FIX, Status.SUPERSEDED))


@dataclass(frozen=True)
class Kept:
    """What became of an observation."""

    id: str
    new: bool  # an entry of its own
    counted: bool  # one more time; False where the same was recorded before


@dataclass(frozen=True)
class Counted:
    """The file after it, and which entries are contradicted from now on: (which, by which)."""

    text: str
    kept: Kept
    contradicted: tuple[tuple[str, str], ...] = ()


def counted(before: str | None, seen: Observation, similar: float) -> Counted:
    """The file with the observation in it. Nothing else in it changes."""
    text = HEADINGS[seen.kind] if before is None else before
    file = parse(text)
    confirmed = {entry.line for entry in file.entries if confirms(entry, seen)}
    known = found(file, seen, similar, confirmed)
    again = known is not None and (is_known(known, seen) or is_full(known, seen))

    def change(entry: Entry) -> Entry:
        if known is not None and entry.line == known.line:
            entry = completed(entry, seen) if again else once_more(completed(entry, seen), seen)
        return freed(entry, seen) if entry.line in confirmed else entry

    after = file.changed(change)
    pairs = [pair for entry in after.entries if entry.line in confirmed for pair in told_by(entry)]
    if known:
        kept = Kept(known.id, False, not again)
        return Counted(after.render(), kept, (*pairs, *opposed(known.id, seen)))
    number = next_id(file, seen.kind, seen.at)
    text = appended(after.render(), number, seen)
    return Counted(text, Kept(number, True, True), (*pairs, *opposed(number, seen)))


def found(
    file: EntryFile, seen: Observation, similar: float, confirmed: Collection[int]
) -> Entry | None:
    """The entry on which the observation counts: of several, one on which it counted before."""
    open_to = [entry for entry in file.entries if meets(entry, seen, confirmed)]
    same_key = [entry for entry in open_to if has_key(entry, seen)]
    if same_key:
        return max(same_key, key=lambda entry: (is_known(entry, seen), is_open(entry)))
    near = shares_words(seen.summary, similar)
    keyless = [
        entry
        for entry in open_to
        if near(entry.text) and not (seen.key and entry.field("Pattern-Key"))
    ]
    rated = [(likeness(entry, seen), entry) for entry in keyless]
    alike = [(rate, entry) for rate, entry in rated if rate >= similar]
    best = max(alike, key=lambda pair: (is_known(pair[1], seen), pair[0]), default=None)
    return best[1] if best else None


def has_key(entry: Entry, seen: Observation) -> bool:
    if not seen.key or seen.key not in entry.text:
        return False  # what most say, told at once
    return entry.field("Pattern-Key") == seen.key


def shares_words(summary: str, similar: float) -> Callable[[str], bool]:
    """A cheap look at the text of an entry: whether its summary can be `similar` to this one. It
    cannot when too few of the words stand anywhere in it, even as parts of others."""
    wanted = terms(summary) if plain(summary) else frozenset()
    most_missing = len(wanted) - similar * len(wanted) + SLACK

    def near(text: str) -> bool:
        folded, missing = fold(text), 0
        for word in wanted:
            missing += word not in folded
            if missing > most_missing:
                return False
        return True

    return near


def is_open(entry: Entry) -> bool:
    return status_of(entry) not in SETTLED


def meets(entry: Entry, seen: Observation, confirmed: Collection[int]) -> bool:
    """Whether the observation may count on an entry at all. A mark on the whole file keeps its
    entries from becoming rules, and not from being counted."""
    if kind_of(entry.id) is not seen.kind or entry.id == seen.contradicts:
        return False
    return bool(not quarantine_of(entry) or seen.outside or entry.line in confirmed)


def likeness(entry: Entry, seen: Observation) -> float:
    """How many of their words the summaries share; 0.0 where they say opposite things."""
    said = entry.section(SUMMARY[seen.kind])
    if plain(said) == plain(seen.summary):
        return 1.0
    alike = similarity(terms(said), terms(seen.summary))
    return 0.0 if alike and contradicts(said, seen.summary) else alike


def is_known(entry: Entry, seen: Observation) -> bool:
    """Whether this task showed it before, by the same source."""
    return any(
        (sighting.seen.task, sighting.seen.source) == (seen.task, seen.source)
        for sighting in sightings(entry)
    )


def is_full(entry: Entry, seen: Observation) -> bool:
    """Whether sessions that had read strangers have shown it often enough."""
    return bool(seen.outside) and sum(bool(old.after) for old in sightings(entry)) >= MARKED


def completed(entry: Entry, seen: Observation) -> Entry:
    """The entry with what it lacks; what strangers said goes into none of its words."""
    if seen.outside:
        return entry
    if seen.fix and not entry.section(FIX[seen.kind]):
        entry = entry.with_section(FIX[seen.kind], seen.fix)
    if not seen.contradicts:
        return entry
    return entry.with_field("Contradicts", joined(entry.field("Contradicts"), seen.contradicts))


def once_more(entry: Entry, seen: Observation) -> Entry:
    """The entry after one more time. The day counts only by those who had read no stranger."""
    count = count_of(entry) + 1
    entry = with_task(with_sighting(entry, sighting_of(seen)), seen.task)
    entry = entry.with_field("Recurrence-Count", str(count))
    if seen.outside:
        return entry
    last = max(day_in(entry.field("Last-Seen")) or date.min, seen.at.date())
    return again_facts(entry.with_field("Last-Seen", f"{last}"))


def again_facts(entry: Entry) -> Entry:
    """What the format says of a thing that was seen again."""
    for name, first, again in AGAIN:
        if entry.field(name) == first:
            entry = entry.with_field(name, again)
    return entry


def names_in(listed: str) -> list[str]:
    return [name for name in re.split(r"[\s,]+", listed) if name]


def joined(listed: str, name: str) -> str:
    """A list of names with one more, if it is not in it."""
    return ", ".join(dict.fromkeys([*names_in(listed), name]))


def opposed(number: str, seen: Observation) -> tuple[tuple[str, str], ...]:
    """What the observation shows to be wrong; who read strangers shows nothing."""
    return ((seen.contradicts, number),) if seen.contradicts and not seen.outside else ()


def told_by(entry: Entry) -> tuple[tuple[str, str], ...]:
    """What an entry that was freed shows to be wrong, from now on."""
    return tuple((wrong, entry.id) for wrong in names_in(entry.field("Contradicts")))
