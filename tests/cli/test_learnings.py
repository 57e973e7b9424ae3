"""`harness memory`: what was learned, why a line stands there, and a person's word on it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.config.home import Home
from tests.cli.conftest import Harness

TODAY = f"{datetime.now(UTC):%Y-%m-%d}"
ID = "ERR-20261118-001"
RULE = "When calling `read`, use `BILLBOARD_BUY_AMT`, not `BUY_AMT`."
ENTRY = f"""\
# Errors

## [{ID}] read

**Logged**: 2026-11-18T07:30:00Z
**Priority**: medium
**Status**: pending

### Summary
data/BUY_AMT.csv is not there

### Suggested Fix
{RULE}

### Metadata
- Source: error
- Pattern-Key: read.missing-buy-amt
- Recurrence-Count: 1
- Tasks: 01KA
- First-Seen: {TODAY}
- Last-Seen: {TODAY}

---
"""


@pytest.fixture
def errors(home: Home) -> Path:
    """The lessons of an agent that has made one mistake once."""
    return noted(home, "scout")


def noted(home: Home, agent: str) -> Path:
    home.learnings(agent).mkdir(parents=True)
    path = home.learnings(agent) / "ERRORS.md"
    path.write_text(ENTRY)
    return path


def test_the_list_says_what_a_lesson_lacks(harness: Harness, errors: Path) -> None:
    (learning,) = harness("memory", "learnings", "--json").document
    said = harness("memory", "learnings", "scout")

    assert {"id": ID, "agent": "scout", "kind": "error", "count": 1}.items() <= learning.items()
    assert learning["tasks"] == ["01KA"]
    assert (learning["first_seen"], learning["summary"]) == (
        TODAY,
        "data/BUY_AMT.csv is not there",
    )
    assert not learning["ready"]
    assert "seen 1 of 3 times" in said.out


def test_a_person_may_promote_what_he_has_verified_himself(
    harness: Harness, home: Home, errors: Path
) -> None:
    done = harness("memory", "promote", ID)
    (learning,) = harness("memory", "learnings", "--json").document

    assert f"promoted: {RULE}" in done.out
    assert RULE in home.memory_file("scout").read_text()
    assert (learning["status"], learning["rule"]) == ("promoted", RULE)
    assert learning["recurrence"]["verdict"] == "too early to say"


def test_a_line_tells_what_it_rests_on_by_number_words_rule_or_entry(
    harness: Harness, errors: Path
) -> None:
    harness("memory", "promote", ID)
    (change,) = harness("memory", "changes", "--json").document

    for asked in ("3", "BILLBOARD", change["id"], ID):
        told = harness("memory", "why", asked, "--json").document
        assert (told["text"], told["rule"]) == (RULE, change["id"])
        assert [entry["id"] for entry in told["entries"]] == [ID]
    assert f"harness memory undo {change['id']}" in harness("memory", "why", ID).out


@pytest.mark.parametrize("by_change", [True, False])
def test_a_promotion_is_taken_back_and_made_again(
    harness: Harness, home: Home, errors: Path, by_change: bool
) -> None:
    harness("memory", "promote", ID)
    (change,) = harness("memory", "changes", "--json").document
    undone = harness("memory", "undo", change["id"] if by_change else ID, "--json").document
    after = home.memory_file("scout").read_text()
    (learning,) = harness("memory", "learnings", "--json").document

    harness("memory", "undo", undone["id"])

    assert RULE not in after
    assert (learning["status"], learning["ready"]) == ("pending", False)
    assert "since it was taken back" in learning["lacking"][0]
    assert RULE in home.memory_file("scout").read_text()
    assert errors.read_text().count("[ERR-") == 1


def test_the_numbers_of_lines_are_shown(harness: Harness, home: Home, errors: Path) -> None:
    home.memory_file("scout").write_text("# Memory\n\n- The person likes short answers.\n")
    harness("memory", "promote", ID)

    said = harness("memory", "show", "scout")
    told = harness("memory", "show", "scout", "--json").document

    assert "   3  - The person likes short answers.\n" in said.out
    assert f"   7  - {RULE} (since" in said.out
    assert [line["hand_written"] for line in told["lines"]] == [True, True, True, False]
    assert told["lessons"] == {"promoted": 1}
    assert told["tokens"] < told["limit"] == 3000


def test_a_lesson_that_two_agents_have_wants_a_name(
    harness: Harness, home: Home, errors: Path
) -> None:
    noted(home, "writer")

    refused = harness("memory", "promote", ID)

    assert refused.code == 2
    assert "scout, writer each have" in refused.err
    assert harness("memory", "promote", ID, "--agent", "writer").code == 0
    assert not home.memory_file("scout").exists()


def test_what_is_not_there_is_told(harness: Harness, errors: Path) -> None:
    for words in (
        ("why", "the moon"),
        ("promote", "ERR-20261118-002"),
        ("undo", ID),
        ("undo", "01KX"),
        ("show", "scuot"),
        ("learnings", "scuot"),
    ):
        assert harness("memory", *words).code == 4
    assert "did you mean `scout`?" in harness("memory", "show", "scuot").err


def test_words_that_its_lesson_does_not_bear_out_are_refused(
    harness: Harness, home: Home, errors: Path
) -> None:
    said = harness("memory", "promote", ID, "--rule", "When it rains, sell the bonds of Norway.")

    assert said.code == 1
    assert ID in said.err
    assert not home.memory_file("scout").exists()


def test_a_lesson_that_is_no_rule_is_told_as_such(harness: Harness, errors: Path) -> None:
    said = harness("memory", "why", ID)

    assert said.code == 1
    assert f"no line of memory/scout/MEMORY.md rests on {ID}: it is a lesson, pending" in said.err
    assert "harness memory learnings scout" in said.err


def test_nobody_is_said_to_have_written_a_heading(
    harness: Harness, home: Home, errors: Path
) -> None:
    harness("memory", "promote", ID)

    said = harness("memory", "why", "1", "--agent", "scout")

    assert (
        said.out == "memory/scout/MEMORY.md:1: a heading, code or empty, and no memory by itself\n"
    )


def test_a_line_of_another_program_is_not_said_to_be_a_persons(
    harness: Harness, home: Home, errors: Path
) -> None:
    home.memory_file("scout").write_text("- Tea is out. <!-- trigger: x importance: 0.4 -->\n")

    said = harness("memory", "why", "tea", "--agent", "scout")

    assert "memory/scout/MEMORY.md:1: another program wrote this line" in said.out


def test_what_nobody_has_is_looked_for_where_it_would_be(harness: Harness, errors: Path) -> None:
    assert "harness memory show AGENT" in harness("memory", "why", "no such words").err
    assert "harness memory changes" in harness("memory", "undo", "01KZZZ").err


def test_a_rule_that_was_seen_once_is_told_so(harness: Harness, errors: Path) -> None:
    harness("memory", "promote", ID)

    assert "seen 1 time;" in harness("memory", "show", "scout").out


def test_a_lesson_that_is_a_rule_is_not_made_one_again(
    harness: Harness, home: Home, errors: Path
) -> None:
    harness("memory", "promote", ID)

    again = harness("memory", "promote", ID)

    assert again.code == 1
    assert f"{ID} is a rule already: memory/scout/MEMORY.md:3" in again.err
    assert len(harness("memory", "changes", "--json").document) == 1


def test_one_memory_that_cannot_be_read_hides_no_other(
    harness: Harness, home: Home, errors: Path
) -> None:
    noted(home, "writer")
    home.memory_file("writer").mkdir()

    said = harness("memory", "learnings")

    assert said.code == 0
    assert f"{ID}  scout" in said.out
    assert "writer: " in said.err
