from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError, NotFound
from harness.memory.rules.journal import FILE, Act, Change, Journal
from tests.memory.learned import NOW

CHANGE = Change(
    id="01A",
    at=NOW,
    by="macro",
    action=Act.PROMOTE,
    path="memory/macro/MEMORY.md",
    before="",
    after="\n## Learned\n\n- When é\u2028, use \udcff.",
    entries=("ERR-20261116-001",),
    line=4,
    above="- by hand",
)


def test_changes_are_read_back_in_their_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / ".learnings")
    second = replace(CHANGE, id="01B", action=Act.UNDO, undoes="01A")

    journal.append(CHANGE)
    journal.append(second)

    assert journal.changes() == [CHANGE, second]
    assert journal.get("01B") == second


def test_the_journal_is_for_its_owner_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path)

    journal.append(CHANGE)

    assert journal.path.stat().st_mode & 0o777 == 0o600


def test_a_line_that_a_crash_tore_is_left_out_and_the_next_one_is_not(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(CHANGE)
    with journal.path.open("a") as file:
        file.write('{"id": "01B", "at": "2026')

    journal.append(replace(CHANGE, id="01C"))

    assert [change.id for change in journal.changes()] == ["01A", "01C"]


def test_a_change_told_twice_is_one_and_the_last_telling_holds(tmp_path: Path) -> None:
    journal = Journal(tmp_path)

    journal.append(CHANGE, replace(CHANGE, id="01B"), replace(CHANGE, line=9))

    assert [(change.id, change.line) for change in journal.changes()] == [("01B", 4), ("01A", 9)]


def test_no_journal_is_an_empty_one(tmp_path: Path) -> None:
    assert Journal(tmp_path).changes() == []
    with pytest.raises(NotFound, match="no change 01A"):
        Journal(tmp_path).get("01A")


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / FILE).symlink_to(victim)

    with pytest.raises(HarnessError, match="cannot be written"):
        Journal(tmp_path).append(CHANGE)

    assert victim.read_text() == "precious"


@given(st.binary(max_size=200))
def test_whatever_stands_in_the_file_it_is_read(junk: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / FILE).write_bytes(junk)
        journal = Journal(Path(folder))
        journal.append(CHANGE)

        assert journal.changes()[-1] == CHANGE
