"""The index follows the files, whatever happens to them and to itself."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.clock import FakeClock
from harness.config.home import Home
from harness.memory.search.index import Index
from tests.memory.search.homes import NOW, found, index_of, put

LOG = "memory/scout/2026-11-16.md"
LINES = "# 2026-11-16\n\n- 09:00Z apples arrived\n- 10:00Z pears left\n"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    index = index_of(tmp_path, {LOG: LINES})
    yield index
    index.close()


def test_a_search_makes_the_index_where_there_is_none(tmp_path: Path) -> None:
    put(tmp_path, {LOG: LINES})
    index = Index(Home(tmp_path), FakeClock(NOW))

    assert found(index, "apples")[0] == f"{LOG}:3"
    index.close()


def test_what_was_edited_is_found_and_what_it_replaced_is_not(index: Index) -> None:
    put(index.home.root, {LOG: LINES.replace("apples", "cherries")})

    done = index.sync()

    assert (done.files, done.units) == (1, 2)
    assert found(index, "cherries")[0] == f"{LOG}:3"
    assert found(index, "apples") == []


def test_a_file_that_did_not_change_is_not_read_again(index: Index) -> None:
    old = index.home.root / LOG
    os.utime(old, (1_700_000_000, 1_700_000_000))
    index.sync()

    assert index.sync().files == 0


def test_a_file_that_only_looks_changed_keeps_its_units(index: Index) -> None:
    os.utime(index.home.root / LOG, (1_700_000_000, 1_700_000_000))

    done = index.sync()

    assert (done.files, done.units) == (1, 0)
    assert found(index, "apples")


def test_a_change_that_does_not_show_from_outside_is_seen_in_a_young_file(index: Index) -> None:
    path = index.home.root / LOG
    young = time.time_ns() + 3_600 * 10**9
    os.utime(path, ns=(young, young))
    index.sync()
    with path.open("r+") as file:
        file.write(LINES.replace("apples", "grapes"))
    os.utime(path, ns=(young, young))

    index.sync()

    assert found(index, "grapes")


def test_a_file_that_is_gone_is_forgotten(index: Index) -> None:
    (index.home.root / LOG).unlink()

    done = index.sync()

    assert done.files == 1
    assert found(index, "apples") == []


def test_only_the_paths_that_are_named_are_looked_at(index: Index) -> None:
    other = "memory/scout/2026-11-17.md"
    put(index.home.root, {LOG: "- cherries\n", other: "- plums\n"})

    index.sync([index.home.root / other])

    assert found(index, "plums") == [f"{other}:1"]
    assert found(index, "cherries") == []


def test_a_folder_that_is_gone_takes_its_files_along(index: Index) -> None:
    (index.home.root / LOG).unlink()
    (index.home.root / "memory/scout").rmdir()

    index.sync([index.home.root / "memory/scout", Path("/elsewhere.md")])

    assert found(index, "apples") == []


def test_links_are_not_followed(index: Index, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    put(outside, {"note.md": "- mangoes\n"})
    (index.home.root / "memory/scout/link.md").symlink_to(outside / "note.md")
    (index.home.root / "memory/other").symlink_to(outside)
    (index.home.root / "shared-context").symlink_to(outside)

    index.sync()
    index.sync([index.home.root / "memory/other/note.md", index.home.root / "shared-context"])

    assert found(index, "mangoes", agent=None) == []


def test_a_file_that_turns_into_a_link_is_forgotten(index: Index) -> None:
    path = index.home.root / LOG
    path.rename(path.with_suffix(".txt"))
    path.symlink_to(path.with_suffix(".txt"))

    index.sync()

    assert found(index, "apples") == []


def test_rebuilding_finds_the_same(index: Index) -> None:
    before = index.search("apples pears", agent="scout")

    done = index.rebuild()

    assert (done.files, done.units) == (1, 2)
    assert index.search("apples pears", agent="scout") == before


@pytest.mark.parametrize("content", [b"", b"no database at all" * 400])
def test_a_broken_database_is_built_anew(index: Index, content: bytes) -> None:
    index.close()
    index.home.index.write_bytes(content)

    assert found(index, "apples")[0] == f"{LOG}:3"


def test_a_database_that_breaks_while_it_is_open_is_built_anew(index: Index) -> None:
    with index.home.index.open("r+b") as file:
        file.write(b"\xff" * index.home.index.stat().st_size)
    Path(f"{index.home.index}-wal").write_bytes(b"")

    assert found(index, "apples")[0] == f"{LOG}:3"


def test_a_database_of_another_version_is_built_anew(index: Index) -> None:
    index.close()
    db = sqlite3.connect(index.home.index)
    db.execute("PRAGMA user_version = 99")
    db.close()

    assert found(index, "apples")[0] == f"{LOG}:3"


def test_a_database_that_is_deleted_while_it_is_open_is_built_anew(index: Index) -> None:
    index.home.index.unlink()

    assert found(index, "apples")[0] == f"{LOG}:3"
    assert index.home.index.exists()


def test_two_that_write_at_once_leave_one_copy_of_each_unit(index: Index) -> None:
    put(index.home.root, {f"memory/scout/page-{n}.md": f"- plum {n}\n" for n in range(60)})
    other = Index(index.home, FakeClock(NOW))

    threads = [threading.Thread(target=one.sync) for one in (index, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(index.search("plum", agent="scout", k=100)) == 60
    assert len(other.search("plum", agent="scout", k=100)) == 60
    other.close()


def test_one_finds_what_another_has_put_in(index: Index) -> None:
    other = Index(index.home, FakeClock(NOW))
    assert found(other, "apples")
    put(index.home.root, {"shared-context/view.md": "- melons\n"})

    index.sync()

    assert found(other, "melons") == ["shared-context/view.md:1"]
    other.close()


def test_the_index_is_readable_by_its_owner_alone(index: Index) -> None:
    assert index.home.index.stat().st_mode & 0o777 == 0o600
