"""When lessons make a skill."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config.skills import NAME
from harness.memory.learning import Kind, Learning, Source, Status, Verification
from harness.memory.skills.grounds import Ground, Lesson, grounds, holds

SEEN = Verification(date(2026, 11, 16), "T1", Source.TOOL)


def a_learning(
    id: str = "LRN-20261116-001",
    *,
    agent: str = "scout",
    key: str = "",
    status: str = Status.PROMOTED,
    summary: str = "A summary.",
) -> Learning:
    return Learning(
        id=id,
        agent=agent,
        kind=Kind.LEARNING,
        title="insight",
        status=status,
        priority="low",
        pattern_key=key,
        count=3,
        tasks=("T1", "T2"),
        first_seen=date(2026, 11, 16),
        last_seen=date(2026, 11, 18),
        summary=summary,
        fix="",
        evidence="",
        verifications=(SEEN,),
        quarantine=(),
        contradicted_by="",
        promoted=None,
        path=f"memory/{agent}/.learnings/LEARNINGS.md",
        line=3,
    )


def a_lesson(text: str, *, links: int = 0, agent: str = "scout", key: str = "") -> Lesson:
    return Lesson(a_learning(agent=agent, key=key), text, links)


def named(found: list[Ground]) -> dict[str, list[str]]:
    return {ground.name: ground.steps for ground in found}


def test_three_rules_of_an_area_make_one_skill() -> None:
    rules = [a_lesson(text, key=f"api.{text}") for text in ("one", "two", "three")]

    assert named(grounds(rules)) == {"api-rules": ["one", "two", "three"]}
    assert grounds(rules[:2]) == []
    assert grounds([*rules[:2], a_lesson("one", key="api.again")]) == []  # two, one of them twice


def test_what_two_agents_learned_is_the_teams_and_no_skill() -> None:
    both = [a_lesson("Use BUY.", key="api.field", agent=agent) for agent in ("scout", "zoe")]
    linked = [replace(lesson, links=2) for lesson in both]

    assert grounds(both) == grounds(linked) == []
    assert grounds(linked[:1]) != []


def test_lessons_without_a_key_are_compared_by_what_they_say() -> None:
    said = a_lesson("Round prices to two decimals before sending.", links=2)
    again = a_lesson("Round prices to two decimals before sending them.")
    other = a_lesson("Close the feed after reading.", agent="max")

    (ground,) = grounds([said, other, again])

    assert ground.lessons == (said, again)


def test_a_lesson_that_links_to_two_others_makes_a_skill() -> None:
    assert named(grounds([a_lesson("Use BUY.", links=2, key="api.field")])) == {
        "api-field": ["Use BUY."]
    }
    assert grounds([a_lesson("Use BUY.", links=1, key="api.field")]) == []


def test_no_lesson_is_in_two_skills() -> None:
    rules = [a_lesson(text, key=f"api.{text}", links=2) for text in ("one", "two", "three")]

    assert [ground.name for ground in grounds(rules)] == ["api-rules"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"status": Status.RESOLVED}, True),
        ({"status": Status.RESOLVED, "verifications": ()}, False),
        ({"status": Status.PENDING}, False),
        ({"status": Status.PROMOTED_TO_SKILL}, False),
        ({"quarantine": ("example.org",)}, False),
        ({"contradicted_by": "LRN-20261117-001"}, False),
        ({"kind": Kind.FEATURE}, False),
    ],
)
def test_only_what_is_settled_and_the_houses_own_is_passed_on(
    change: dict[str, object], expected: bool
) -> None:
    assert holds(replace(a_learning(), **change)) is expected  # type: ignore[arg-type]


@given(st.text(max_size=80), st.text(max_size=80))
def test_every_name_is_one_that_the_format_allows(key: str, summary: str) -> None:
    learning = a_learning(key=key, summary=summary)

    (ground,) = grounds([Lesson(learning, "Do it.", links=2)])

    assert re.fullmatch(NAME, ground.name)
    assert len(ground.name) <= 64
