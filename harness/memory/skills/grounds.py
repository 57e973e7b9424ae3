"""When lessons make a skill: which of them belong together, and why. Pure.

A lesson generalises when it links to others, or when it is one of several rules of the same area.
What several agents learned, each lesson by itself, is a rule for the team (memory/team).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.memory.learning import Kind, Learning, Status
from harness.text.slugs import slug
from harness.text.words import clip, similarity, terms

LINKS = 2  # See Also links that make one lesson a skill (the rule of the skill-extraction format)
RULES = 3  # promoted, of one area
SIMILAR = 0.6  # from here on two lessons without a key are one
LONGEST_NAME = 48
LONGEST_TOPIC = 160


@dataclass(frozen=True)
class Lesson:
    """An entry that holds, and what it says to do, on one line."""

    learning: Learning
    text: str
    links: int = 0  # See Also

    @property
    def area(self) -> str:
        """The first half of its Pattern-Key; empty when it has no two halves."""
        area, dot, symptom = self.learning.pattern_key.partition(".")
        return area if dot and symptom else ""


@dataclass(frozen=True)
class Ground:
    """Lessons that make one skill."""

    name: str
    topic: str  # in words
    why: str  # one sentence
    lessons: tuple[Lesson, ...]

    @property
    def steps(self) -> list[str]:
        """What they say, each once."""
        return list(dict.fromkeys(lesson.text for lesson in self.lessons))


def holds(learning: Learning) -> bool:
    """Whether a learning may be passed on: a rule, or resolved and verified; nobody's order."""
    is_settled = learning.status == Status.PROMOTED or (
        learning.status == Status.RESOLVED and bool(learning.verifications)
    )
    is_free = not learning.quarantine and not learning.contradicted_by
    return is_settled and is_free and learning.kind is not Kind.FEATURE


def grounds(lessons: Sequence[Lesson]) -> list[Ground]:
    """The skills that these lessons make, each lesson in one at most; areas come first."""
    areas = list(of_areas(lessons))
    used = {id(lesson) for ground in areas for lesson in ground.lessons}
    rest = [lesson for lesson in lessons if id(lesson) not in used]
    return [*areas, *of_groups(rest)]


def of_areas(lessons: Iterable[Lesson]) -> Iterator[Ground]:
    """One skill for an area with several rules, its rules the steps."""
    by_area: dict[str, list[Lesson]] = {}
    for lesson in lessons:
        if lesson.area and lesson.learning.status == Status.PROMOTED:
            by_area.setdefault(lesson.area, []).append(lesson)
    for area, members in sorted(by_area.items()):
        if len({lesson.text for lesson in members}) >= RULES:
            why = f"{len(members)} promoted lessons are of the area `{area}`"
            yield Ground(name_for(f"{area}-rules", members), area, why, tuple(members))


def of_groups(lessons: Iterable[Lesson]) -> Iterator[Ground]:
    """A skill for what one agent learned and linked to other lessons."""
    for members in alike(lessons):
        first = members[0].learning
        if why := reason(members):
            key = first.pattern_key.replace(".", "-")
            yield Ground(
                name_for(key or first.summary, members), topic_of(members[0]), why, tuple(members)
            )


def reason(members: Sequence[Lesson]) -> str:
    """Why lessons that say the same generalise; empty when they do not."""
    if len({lesson.learning.agent for lesson in members}) > 1:
        return ""  # the team's
    if (links := max(lesson.links for lesson in members)) >= LINKS:
        return f"it links to {links} other lessons"
    return ""


def alike(lessons: Iterable[Lesson]) -> list[list[Lesson]]:
    """Lessons of the same key together; those without one by what they say."""
    groups: list[list[Lesson]] = []
    for lesson in lessons:
        group = next((each for each in groups if are_alike(each[0], lesson)), None)
        if group is None:
            groups.append([lesson])
        else:
            group.append(lesson)
    return groups


def are_alike(left: Lesson, right: Lesson) -> bool:
    keys = (left.learning.pattern_key, right.learning.pattern_key)
    if any(keys):
        return keys[0] == keys[1]
    return similarity(terms(left.text), terms(right.text)) >= SIMILAR


def topic_of(lesson: Lesson) -> str:
    area, dot, symptom = lesson.learning.pattern_key.partition(".")
    if not dot:
        return clip(area or lesson.text, LONGEST_TOPIC).rstrip(".")
    return clip(f"{area}, {re.sub(r'[-_.]+', ' ', symptom)}", LONGEST_TOPIC)


def name_for(text: str, members: Sequence[Lesson]) -> str:
    """A name that the format allows, made of a text, else of the id of the first entry."""
    for source in (text, members[0].learning.id):
        plain = re.sub(r"[^a-z0-9]+", "-", slug(source, limit=LONGEST_NAME)).strip("-")
        if plain:
            return plain
    return "lesson"
