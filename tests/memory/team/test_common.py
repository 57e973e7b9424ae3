"""What several agents learned alike: which entries are one lesson, and whether it is proven."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from harness.config.settings import Promotion
from harness.memory.learning import Kind
from harness.memory.team.common import common_lessons
from tests.memory.proposing import RULE, lesson

TODAY = date(2026, 11, 18)


def test_two_agents_with_one_pattern_share_a_lesson() -> None:
    (common,) = common_lessons([lesson("macro"), lesson("ainews", times=3)], similar=0.6)

    assert common.agents == ("ainews", "macro")
    assert common.entries == ("ainews/ERR-20261115-001", "macro/ERR-20261115-001")
    assert common.lessons[0].agent == "ainews"


def test_the_same_words_are_one_lesson_without_a_pattern() -> None:
    found = common_lessons(
        [lesson("macro", pattern_key=""), lesson("ainews", pattern_key="")], similar=0.6
    )

    assert len(found) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"agent": "macro"},
        {"quarantine": ("evil.test",)},
        {"status": "wont_fix"},
        {"contradicted_by": "ERR-20261116-002"},
        {"kind": Kind.FEATURE},
        {"pattern_key": "", "fix": "When a table is read, use the field BILLBOARD_BUY_AMT."},
        {"fix": "When a feed times out, do not use its cached copy."},
    ],
)
def test_a_lesson_of_one_agent_alone_is_not_the_teams(changes: dict[str, Any]) -> None:
    other = lesson("ainews", **changes) if "agent" not in changes else lesson("macro", 2)

    assert common_lessons([lesson("macro"), other], similar=0.6) == []


def test_a_common_lesson_is_proven_by_what_all_saw_together() -> None:
    promotion = Promotion()
    (often,) = common_lessons([lesson("macro"), lesson("ainews")], similar=0.6)
    (seldom,) = common_lessons([lesson("macro", times=1), lesson("ainews", times=1)], similar=0.6)
    (ruled,) = common_lessons(
        [lesson("macro", times=1, promoted=TODAY), lesson("ainews", times=1)], similar=0.6
    )

    assert often.proven(promotion, TODAY)
    assert not seldom.proven(promotion, TODAY)
    assert not often.proven(promotion, date(2027, 3, 1))
    assert ruled.proven(promotion, TODAY)
    assert often.lessons[0].fix == RULE
