"""What several agents learned alike, each for itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from harness.config.settings import Promotion
from harness.memory.contradiction import contradicts
from harness.memory.learning import Kind, Learning, Status
from harness.memory.rules.rule_text import worded
from harness.memory.terms import key_terms
from harness.text.words import similarity

SETTLED = (Status.SUPERSEDED, Status.WONT_FIX)


@dataclass(frozen=True)
class Common:
    """One lesson of two agents or more."""

    lessons: tuple[Learning, ...]  # best seen first

    @property
    def agents(self) -> tuple[str, ...]:
        return tuple(sorted({lesson.agent for lesson in self.lessons}))

    @property
    def entries(self) -> tuple[str, ...]:
        return tuple(sorted(f"{lesson.agent}/{lesson.id}" for lesson in self.lessons))

    def proven(self, promotion: Promotion, today: date) -> bool:
        """Whether a rule of one agent would be made of it, were all its times one agent's."""
        first_day = today - promotion.within
        seen = [
            (lesson.agent, one)
            for lesson in self.lessons
            for one in lesson.verifications
            if first_day <= one.day <= today
        ]
        tasks = {(agent, one.task) for agent, one in seen}
        proven = len(seen) >= promotion.verifications and len(tasks) >= promotion.tasks
        return proven or any(lesson.promoted for lesson in self.lessons)


def common_lessons(lessons: Iterable[Learning], similar: float) -> list[Common]:
    """Those that at least two agents have: the same Pattern-Key, or words of which `similar` (0 to
    1) are shared. What strangers said, what is settled and what is contradicted counts for none."""
    groups: list[list[Learning]] = []
    for lesson in sorted(filter(counts, lessons), key=lambda each: (-each.count, each.agent)):
        group = next((each for each in groups if alike(each[0], lesson, similar)), None)
        if group is None:
            groups.append([lesson])
        else:
            group.append(lesson)
    common = (Common(tuple(group)) for group in groups)
    return [each for each in common if len(each.agents) > 1]


def counts(lesson: Learning) -> bool:
    settled = lesson.status in SETTLED or bool(lesson.contradicted_by)
    return not settled and not lesson.quarantine and lesson.kind is not Kind.FEATURE


def alike(a: Learning, b: Learning, similar: float) -> bool:
    ours, theirs = worded(a), worded(b)
    if contradicts(ours, theirs):
        return False
    if a.pattern_key and a.pattern_key == b.pattern_key:
        return True
    return similarity(key_terms(ours), key_terms(theirs)) >= similar


def told_of(lessons: Sequence[Learning]) -> str:
    """The evidence in words: how often, where and when, and nothing of anybody's notes."""
    return "\n".join(f"- {seen_by(lesson)}" for lesson in lessons)


def seen_by(lesson: Learning) -> str:
    days = f"{lesson.first_seen or 'unknown'} to {lesson.last_seen or 'unknown'}"
    since = f", a rule since {lesson.promoted}" if lesson.promoted else ""
    times = "time" if lesson.count == 1 else "times"
    tasks = len(lesson.tasks)
    return (
        f"{lesson.agent}: {lesson.id}, seen {lesson.count} {times} in {tasks}"
        f" task{'s' * (tasks != 1)}, {days}{since}"
    )
