"""A person's correction of a task: a lesson of the agent that did it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from harness.bus.port import Task
from harness.memory.learning import Kind, Observation, Source
from harness.memory.lessons.book import Book, Kept
from harness.text.sentences import sentences
from harness.text.words import clip

SUMMARY = 200  # characters


@dataclass(frozen=True)
class Correction:
    """What a person says of a task's answer."""

    text: str
    rule: str = ""  # When X, do Y
    key: str = ""  # the Pattern-Key of what went wrong
    contradicts: str = ""  # the id of a lesson that it shows to be wrong

    def keep(self, book: Book, task: Task, at: datetime) -> Kept:
        """Write it down; the same words for the same task once. It is a person's word: whatever
        the session had read, it stands in no quarantine. Raises NotFound for an entry that is not
        there, HarnessError and OSError when it cannot be written."""
        first = next(iter(sentences(self.text)), self.text)
        return book.record(
            Observation(
                kind=Kind.LEARNING,
                title="correction",
                summary=clip(" ".join(first.split()), SUMMARY),
                source=Source.PERSON,
                task=task.id,
                at=at,
                key=self.key,
                details=self.text if self.text.strip() != first.strip() else "",
                fix=self.rule,
                contradicts=self.contradicts,
            )
        )
