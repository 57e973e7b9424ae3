"""Quarantine: who confirms what was written down after reading strangers' words.

Only a session that says the same, all of it, and has read no stranger at all: whoever owns one
domain may own ten, so that many who say a thing make it no truer.
"""

from __future__ import annotations

import re

from harness.memory.learning import Kind, Observation
from harness.memory.lessons.entries import Entry, known_as
from harness.memory.lessons.sightings import SECTION, tasks_of, written_out
from harness.text.marks import QUARANTINE, SOMEBODY, sources_of
from harness.text.words import fold

HELD = QUARANTINE.partition(": ")[2]  # how the value of Trust begins
NO_WORDS = frozenset(("", "metadata", SECTION.casefold(), "resolution"))  # sections of facts
_ESCAPED = re.compile(r"^\\|(?<=<)\\", re.MULTILINE)
_SAID = {  # where an entry says what an observation says
    Kind.ERROR: {"Summary": "summary", "Error": "error", "Context": "details"},
    Kind.LEARNING: {"Summary": "summary", "Details": "details", "Error": "error"},
    Kind.FEATURE: {"Requested Capability": "summary", "User Context": "details", "Error": "error"},
}
FIX = {
    Kind.ERROR: "Suggested Fix",
    Kind.LEARNING: "Suggested Action",
    Kind.FEATURE: "Suggested Implementation",
}


def quarantine_of(entry: Entry, preamble: str = "") -> tuple[str, ...]:
    """The strangers behind an entry: its own mark counts, and that of the file's first line."""
    words = (entry.text.lower(), preamble)
    if not any("quarantine" in text or "from outside" in text for text in words):
        return ()  # what most say, told at once
    trust = entry.field("Trust")
    held = trust.casefold().startswith("quarantine") and (trust.removeprefix(HELD) or SOMEBODY)
    told = [*sources_of(preamble.partition("\n")[0]), *sources_of(entry.text)]
    named = [held] if held and not told else told
    return tuple(dict.fromkeys(name.strip() for name in named))


def confirms(entry: Entry, seen: Observation) -> bool:
    """Whether an observation frees an entry: another task's, in the same words, of a session that
    had read nobody."""
    if seen.outside or HELD not in entry.text:
        return False  # what most say, told at once
    held = entry.field("Trust").startswith(HELD)
    if not held or seen.task in tasks_of(entry):
        return False
    return is_about_the_same(entry, seen) and says_the_same(entry, seen)


def is_about_the_same(entry: Entry, seen: Observation) -> bool:
    """Whether the observation has all that steers the entry besides its words: its title and key,
    of which a rule makes its trigger, and whom it denies."""
    denied = set(re.split(r"[\s,]+", entry.field("Contradicts"))) - {"", seen.contradicts}
    key = entry.field("Pattern-Key")
    return not denied and key in ("", seen.key) and plain(entry.title) == plain(seen.title)


def says_the_same(entry: Entry, seen: Observation) -> bool:
    """The words of the entry, and no more of them: who confirms a summary has not confirmed
    details, or a rule, that he did not see."""
    said = {FIX[seen.kind]: seen.fix}
    said |= {name: getattr(seen, field) for name, field in _SAID[seen.kind].items()}
    summary = next(iter(_SAID[seen.kind]))
    known = {*map(known_as, said), *NO_WORDS}
    return (
        plain(entry.section(summary)) == plain(seen.summary)
        and all(name in known for name, text in entry.sections() if text)
        and all(
            not entry.section(name) or plain(entry.section(name)) == plain(text)
            for name, text in said.items()
        )
    )


def plain(text: str) -> str:
    """A text as it is compared: without its fence, and what makes it harmless."""
    lines = [line for line in text.splitlines() if not line.strip().startswith(("```", "~~~"))]
    return " ".join(fold(_ESCAPED.sub("", "\n".join(lines))).split())


def freed(entry: Entry, seen: Observation) -> Entry:
    """The entry out of quarantine; who saw it before had read strangers, and stays no witness."""
    return written_out(entry).with_field("Trust", f"confirmed by task {seen.task}")
