"""Bells: how a process learns that another one wrote."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from harness.bus.bells import Bell, ring


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bells"


async def test_a_bell_is_heard(folder: Path) -> None:
    rung = asyncio.Event()
    bell = Bell(folder, rung.set)

    ring(folder)

    await asyncio.wait_for(rung.wait(), 5)
    bell.close()


async def test_all_bells_ring_but_our_own(folder: Path) -> None:
    heard: list[str] = []
    bells = [Bell(folder, lambda name=name: heard.append(name)) for name in "abc"]  # type: ignore[misc]

    ring(folder, but=bells[0].path)
    while len(heard) < 2:
        await asyncio.sleep(0)

    assert sorted(heard) == ["b", "c"]
    for bell in bells:
        bell.close()


async def test_many_rings_are_one_while_nobody_listens(folder: Path) -> None:
    heard: list[None] = []
    bell = Bell(folder, lambda: heard.append(None))

    for _ in range(70_000):  # more than a pipe holds
        ring(folder)
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

    ring(folder)

    assert list(folder.iterdir()) == []


def test_ringing_where_nobody_ever_listened_does_nothing(folder: Path) -> None:
    ring(folder)

    assert not folder.exists()
