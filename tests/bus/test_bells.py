"""Bells: how a process learns that another one wrote."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from harness.bus.bells import YOUNG_NANOSECONDS, Bell, Neighbours


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bells"


async def test_a_bell_is_heard(folder: Path) -> None:
    rung = asyncio.Event()
    bell = Bell(folder, rung.set)

    Neighbours(folder).ring()

    await asyncio.wait_for(rung.wait(), 5)
    bell.close()


async def test_all_bells_ring_but_our_own(folder: Path) -> None:
    heard: list[str] = []
    bells = [Bell(folder, lambda name=name: heard.append(name)) for name in "abc"]  # type: ignore[misc]

    Neighbours(folder, own=bells[0].path).ring()
    while len(heard) < 2:
        await asyncio.sleep(0)

    assert sorted(heard) == ["b", "c"]
    for bell in bells:
        bell.close()


async def test_a_bell_that_comes_later_is_rung_too(folder: Path) -> None:
    heard: list[str] = []
    first = Bell(folder, lambda: heard.append("first"))
    neighbours = Neighbours(folder)
    age(folder)
    neighbours.ring()  # from here on the folder is known by heart

    second = Bell(folder, lambda: heard.append("second"))
    neighbours.ring()
    while "second" not in heard:
        await asyncio.sleep(0)

    first.close()
    second.close()


async def test_a_folder_that_did_not_change_is_not_listed_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell = Bell(folder, lambda: None)
    neighbours = Neighbours(folder)
    age(folder)
    neighbours.ring()

    monkeypatch.delattr(os, "scandir")
    neighbours.ring()

    bell.close()


async def test_many_rings_are_one_while_nobody_listens(folder: Path) -> None:
    heard: list[None] = []
    bell = Bell(folder, lambda: heard.append(None))

    neighbours = Neighbours(folder)
    for _ in range(70_000):  # more than a pipe holds
        neighbours.ring()
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert len(heard) == 1
    bell.close()


async def test_a_bell_leaves_nothing_behind(folder: Path) -> None:
    bell = Bell(folder, lambda: None)
    assert bell.path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700

    bell.close()

    assert list(folder.iterdir()) == []


def test_the_bell_of_a_dead_process_is_taken_down(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / "4711-0")

    Neighbours(folder).ring()

    assert list(folder.iterdir()) == []


def test_ringing_where_nobody_ever_listened_does_nothing(folder: Path) -> None:
    Neighbours(folder).ring()

    assert not folder.exists()


def age(folder: Path) -> None:
    """Let the folder's last change lie far enough back to be relied on."""
    past = folder.stat().st_mtime_ns - 2 * YOUNG_NANOSECONDS
    os.utime(folder, ns=(past, past))
