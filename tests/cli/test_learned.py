"""What `harness status` says of the memory."""

from __future__ import annotations

from harness.config.home import Home
from harness.memory.lessons.book import Book
from harness.memory.lessons.tally import open_in
from harness.text.secrets import Redactor
from tests.cli.conftest import Harness
from tests.cli.test_reflecting import lesson, proposal
from tests.memory.strategies import FILE

__all__ = ["proposal"]


def test_open_lessons_and_what_waits_are_counted(
    harness: Harness, home: Home, proposal: str
) -> None:
    lesson(home)
    skill = home.skills / ".proposed" / "api-rules" / "SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: api-rules\ndescription: Rules.\n---\n")

    said = harness("status")

    assert harness("status", "--json").document["memory"] == {
        "open": 1,
        "proposals": 1,
        "skills": 1,
    }
    assert "1 open lesson: harness memory learnings; 1 proposal for you: " in said.out
    assert "1 proposed skill: harness skills list" in said.out


def test_a_lesson_that_is_settled_is_none_to_tell_of(harness: Harness, home: Home) -> None:
    Book(home, "scout", Redactor()).mark(lesson(home), status="wont_fix")

    assert harness("status", "--json").document["memory"]["open"] == 0
    assert "open lesson" not in harness("status").out


def test_only_lessons_whose_status_is_open_count() -> None:
    bullet = "## [ERR-20261116-009] run\n\n### Metadata\n- Status: in_progress\n"

    assert open_in(FILE) == 1
    assert open_in(f"{FILE}\n{bullet}") == 2
    assert open_in(FILE.replace("pending", "resolved")) == 0
    assert open_in(f"{FILE}\n{bullet}".replace("\n", "\r")) == 2
