"""A memory that cannot be read, and an index that is broken or behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.clock import SystemClock
from harness.config.home import Home
from harness.doctor.checkup import mend
from harness.doctor.finding import Level
from harness.memory.search.index import Index
from harness.services.lock import HomeLock
from tests.doctor.conftest import Look

SOON = datetime.now(UTC) + timedelta(minutes=5)


@pytest.fixture
def log(home: Home) -> Path:
    path = home.memory("scout") / "2026-01-01.md"
    path.parent.mkdir(parents=True)
    path.write_text("- the zebra is awake\n")
    return path


@pytest.fixture
def index(home: Home, log: Path) -> Iterator[Index]:
    index = Index(home, SystemClock())
    index.sync()
    yield index
    index.close()


def test_no_memory_and_no_index_are_well(look: Look) -> None:
    assert look("memory") == []


@pytest.mark.usefixtures("index")
def test_an_index_in_step_is_well(look: Look, home: Home) -> None:
    with HomeLock(home) as lock:
        lock.tell(pid=os.getpid())

        assert look("memory", now=SOON) == []


@pytest.mark.usefixtures("index")
def test_an_index_that_is_behind_is_told_while_the_crew_runs(
    look: Look, home: Home, log: Path
) -> None:
    log.write_text("- the lynx sleeps\n")

    assert look("memory", now=SOON) == []
    with HomeLock(home) as lock:
        lock.tell(pid=os.getpid())
        assert look("memory", now=datetime.now(UTC)) == []
        (late,) = look("memory", now=SOON)

    assert late.level is Level.WARNING
    assert "memory/scout/2026-01-01.md" in late.message
    assert "harness memory rebuild" in (late.fix or "")


def test_a_damaged_index_is_told_and_made_anew(look: Look, home: Home, index: Index) -> None:
    index.close()
    home.index.write_bytes(b"nonsense" * 1000)

    (found,) = look("memory")
    (mended,) = mend([found])

    assert "memory.db is damaged" in found.message
    assert (mended.level, mended.message) == (
        Level.FIXED,
        "made the index of the memory anew: 1 units of 1 files",
    )
    assert look("memory") == []


def test_a_file_that_is_no_text_is_told(look: Look, log: Path) -> None:
    log.write_bytes(b"- caf\xe9\n")

    (found,) = look("memory")

    assert found.message == "not valid UTF-8: memory/scout/2026-01-01.md"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_nobody_may_read_is_told(look: Look, log: Path) -> None:
    log.chmod(0)

    (found,) = look("memory")

    assert (found.level, found.message) == (
        Level.ERROR,
        "cannot be read: memory/scout/2026-01-01.md",
    )


def test_a_memory_behind_a_link_is_told_of(
    look: Look, home: Home, log: Path, tmp_path: Path
) -> None:
    log.parent.rename(tmp_path / "elsewhere")
    log.parent.symlink_to(tmp_path / "elsewhere")

    (finding,) = look("memory")

    assert (finding.level, finding.message) == (Level.WARNING, "symbolic links: memory/scout")
    assert "put the file or folder itself there" in (finding.fix or "")
