"""A damaged database is told, copied aside and left where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.db.connection import connect
from harness.db.integrity import Damaged, check_whole

PAGE = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "harness.db"
    db = connect(path)
    db.execute("CREATE TABLE t (a TEXT)")
    db.executemany("INSERT INTO t VALUES (?)", [("x" * 500,) for _ in range(200)])
    db.close()
    return path


def damage(path: Path, at: int, what: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(what)


def test_a_whole_database_and_none_at_all_are_fine(path: Path, tmp_path: Path) -> None:
    check_whole(path)
    check_whole(tmp_path / "none.db")

    assert [file.name for file in tmp_path.iterdir()] == ["harness.db"]


@pytest.mark.parametrize("at", [0, 2 * PAGE], ids=["head", "page"])
def test_a_damaged_one_is_copied_aside_once_and_stays(path: Path, at: int) -> None:
    damage(path, at, b"\xff" * PAGE)
    bytes_there = path.read_bytes()

    for _ in range(2):
        with pytest.raises(Damaged, match=r"is damaged: .*put aside as harness\.db\.damaged-"):
            check_whole(path)

    copies = list(path.parent.glob("harness.db.damaged-*"))
    assert [copy.read_bytes() for copy in copies if not copy.name.endswith("shm")] == [bytes_there]
    assert path.read_bytes() == bytes_there


def test_what_to_do_is_said(path: Path) -> None:
    damage(path, 0, b"nonsense")

    with pytest.raises(Damaged) as caught:
        check_whole(path)

    assert caught.value.exit_code == 78
    assert "harness restore FILE" in (caught.value.hint or "")


@pytest.mark.parametrize("left", [b"\0", b"S", b"SQLite format 3"])
def test_a_file_shorter_than_a_header_is_no_new_database(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "harness.db").write_bytes(left)

    with pytest.raises(Damaged, match="shorter than the header"):
        check_whole(tmp_path / "harness.db")
