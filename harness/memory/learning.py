"""A learning: one entry of `.learnings/`, and what is seen that may become one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Kind(StrEnum):
    """What an entry tells of, and with that in which file it stands."""

    ERROR = "error"  # something failed
    LEARNING = "learning"  # something is better known now
    FEATURE = "feature"  # something is missing

    @property
    def prefix(self) -> str:
        """What its ids begin with."""
        return {"error": "ERR", "learning": "LRN", "feature": "FEAT"}[self]

    @property
    def file(self) -> str:
        return {
            "error": "ERRORS.md",
            "learning": "LEARNINGS.md",
            "feature": "FEATURE_REQUESTS.md",
        }[self]


class Source(StrEnum):
    """Who or what showed it."""

    TOOL = "tool"  # a call failed
    CONTRACT = "contract"  # an answer broke a check
    REPAIR = "repair"  # the model's output could not be read and was asked for again
    PERSON = "person"  # a correction
    AGENT = "agent"  # the agent noted it

    @property
    def told(self) -> str:
        """The word of the file format for it."""
        words = {Source.PERSON: "user_feedback", Source.AGENT: "conversation"}
        return words.get(self, "error")


class Status(StrEnum):
    """How far an entry has come. Files may say other words: they stay as they are."""

    PENDING = "pending"  # observed, not often enough yet
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    WONT_FIX = "wont_fix"
    PROMOTED = "promoted"  # a rule in MEMORY.md, or beyond
    PROMOTED_TO_SKILL = "promoted_to_skill"
    SUPERSEDED = "superseded"  # a newer entry says otherwise


@dataclass(frozen=True)
class Verification:
    """One time that a task showed it. A task counts once for each source."""

    day: date
    task: str
    source: Source


@dataclass(frozen=True)
class Observation:
    """Something seen that is to be remembered: an entry, or one more time for an old one."""

    kind: Kind
    title: str  # LRN: its category; ERR: the tool; FEAT: the capability
    summary: str  # one sentence
    source: Source
    task: str
    at: datetime
    key: str = ""  # Pattern-Key: area.symptom
    details: str = ""
    error: str = ""  # as it was told
    fix: str = ""  # what would have avoided it: the text of a rule, when there is one
    outside: tuple[str, ...] = ()  # strangers whose words the session had read
    contradicts: str = ""  # the id of an entry that this one shows to be wrong


@dataclass(frozen=True)
class Learning:
    """An entry as it stands in its file."""

    id: str
    agent: str
    kind: Kind
    title: str
    status: str  # a Status, or a word of somebody else's
    priority: str
    pattern_key: str
    count: int  # how often it was seen
    tasks: tuple[str, ...]  # in which, oldest first
    first_seen: date | None
    last_seen: date | None
    summary: str
    fix: str  # Suggested Action or Suggested Fix
    evidence: str  # everything that the entry says besides its fields
    verifications: tuple[Verification, ...]  # the newest of them
    quarantine: tuple[str, ...]  # strangers whom the session had read; empty: free
    contradicted_by: str  # the id of an entry, or empty
    promoted: date | None  # since when it is a rule
    path: str  # of its file, relative to the home
    line: int  # of its heading, from 1
    contradicts: tuple[str, ...] = ()  # the ids of entries that it says are wrong
