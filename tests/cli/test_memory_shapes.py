"""docs/cli.md tells the shape of each JSON document of `memory`, `correct` and `skills`."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest

from harness.clock import FakeClock, SystemClock
from harness.config.home import Home
from harness.ids import Ids
from harness.memory.team.proposals import ProposalKind, Proposals, Wish
from harness.text.secrets import Redactor
from tests.cli.conftest import Harness
from tests.cli.test_learnings import ID, RULE, noted
from tests.cli.test_skills import a_skill

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
ROWS = dict(
    re.findall(r"^\| `((?:correct|memory|skills)[ \w]*)`[^|]*\| (.*) \|$", PAGE.read_text(), re.M)
)


def told(command: str, number: int = 0) -> set[str]:
    """The keys that the page lists for a command."""
    lists = [each for each in re.findall(r"`([^`]+)`", ROWS[command]) if ", " in each]
    return set(lists[number].split(", "))


@pytest.fixture
def task(harness: Harness) -> str:
    return str(harness("send", "scout", "Look around.", "--json").document["id"])


def first(found: Any) -> dict[str, Any]:
    return dict(found[0])


def test_what_a_lesson_and_its_rule_look_like(harness: Harness, home: Home) -> None:
    noted(home, "scout")

    thought = first(harness("memory", "reflect", "--dry-run", "--json").document)
    change = harness("memory", "promote", ID, "--json").document
    shown = harness("memory", "show", "scout", "--json").document
    lesson = first(harness("memory", "learnings", "--json").document)
    reasons = harness("memory", "why", RULE, "--json").document

    assert set(thought) == told("memory reflect")
    assert set(shown) == told("memory show")
    assert set(first(shown["lines"])) == told("memory show", 1)
    assert set(lesson) == told("memory learnings")
    assert set(lesson["recurrence"]) == told("memory learnings", 1)
    assert set(reasons) == told("memory why")
    assert set(first(reasons["entries"])) == told("memory why", 1)
    assert set(change) == told("memory changes")
    assert change == first(harness("memory", "changes", "--json").document)
    assert set(harness("memory", "undo", ID, "--json").document) == told("memory changes")


def test_what_is_found_and_corrected_looks_as_it_is_told(
    harness: Harness, home: Home, task: str
) -> None:
    noted(home, "scout")

    assert set(harness("correct", task, "Say when.", "--json").document) == told("correct")
    assert set(harness("memory", "rebuild", "--json").document) == told("memory rebuild")
    hits = harness("memory", "search", "BUY_AMT", "--json").document
    assert set(first(hits)) == told("memory search")


def test_what_a_proposal_looks_like(harness: Harness, home: Home, clock: FakeClock) -> None:
    known, ids = Proposals(home, Redactor()), Ids(clock, random.Random(7).getrandbits)
    for kind in (ProposalKind.PROTOCOL, ProposalKind.SHARED):
        wish = Wish(kind, RULE, ("a", "b"), ("a/ERR-20261101-001",), "Seen by two.")
        assert known.make(wish, ids, SystemClock().now())

    taken, other = harness("memory", "proposals", "--json").document

    assert set(taken) == set(other) == told("memory proposals")
    approved = harness("memory", "approve", taken["id"], "--json").document
    assert set(approved) == told("memory proposals") | {"change"}
    assert set(harness("memory", "reject", other["id"], "--json").document) == set(other)


def test_what_a_skill_looks_like(harness: Harness, home: Home) -> None:
    a_skill(home.skills / "letters")

    (listed,) = harness("skills", "list", "--json").document

    assert set(listed) == told("skills list")
    shown = harness("skills", "show", "letters", "--json").document
    assert set(shown) == told("skills list") | told("skills show")
    assert set(harness("skills", "lint", "--json").document) == told("skills lint")
