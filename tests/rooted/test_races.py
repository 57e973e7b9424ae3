"""Whoever moves files about while a root is used gets nothing out of it and nothing into it."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.rooted import Root, Unfit
from tests.rooted.conftest import untouched

LIMIT = 1_000
CALLS = ("open", "stat", "replace", "mkdir", "fstat", "scandir")


class Swap:
    """A folder or a file that is now itself, now a link to its like outside."""

    def __init__(self, root: Root, outside: Path, name: str = "a") -> None:
        self.place = root.folder / name
        self.trap = root.folder / "trap"
        self.trap.symlink_to(outside / "page.md" if self.place.is_file() else outside)
        self.sprung = False

    def turn(self) -> None:
        """The one for the other, in one step of the system where it knows one."""
        self.sprung = not self.sprung
        if exchange(self.place, self.trap):
            return
        aside = self.trap.with_name("aside")
        self.place.rename(aside)
        self.trap.rename(self.place)
        aside.rename(self.trap)


def exchange(one: Path, other: Path) -> bool:
    """Whether both names were exchanged at once, which Linux can do."""
    call = getattr(ctypes.CDLL(None), "renameat2", None)
    here, at_once = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return call is not None and call(here, bytes(one), here, bytes(other), at_once) == 0


@contextmanager
def swapping(swap: Swap) -> Iterator[None]:
    """A thread that springs the trap and undoes it, as fast as it can."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set() or swap.sprung:
            swap.turn()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def before_call(patch: pytest.MonkeyPatch, number: int, act: Callable[[], None]) -> None:
    """Have `act` done just before the system call of that number, counted from 0."""
    count = iter(range(10_000))

    def hooked(name: str) -> None:
        call = getattr(os, name)

        def instead(*arguments: object, **named: object) -> object:
            if next(count) == number:
                patch.undo()
                act()
            return call(*arguments, **named)

        patch.setattr(os, name, instead)

    for name in CALLS:
        hooked(name)


@pytest.mark.parametrize("name", ["a", "a/page.md"])
@pytest.mark.parametrize("moment", range(8))
def test_a_link_that_comes_at_any_moment_leads_nowhere(
    root: Root, outside: Path, name: str, moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap = Swap(root, outside, name)
    read: list[str] = []
    acts: list[Callable[[], None]] = [
        lambda: read.append(root.read_text("a/page.md", LIMIT)),
        lambda: root.write("a/page.md", "written"),
        lambda: root.write("a/new/page.md", "written"),
        lambda: read.extend(root.walk("a")),
    ]
    for act in acts:
        before_call(monkeypatch, moment, swap.turn)
        with suppress(HarnessError):
            act()
        monkeypatch.undo()
        if swap.sprung:
            swap.turn()

    assert set(read) <= {"inside", "written", "a/page.md", "a/new/page.md"}
    assert untouched(outside)


@pytest.mark.parametrize("moment", range(6))
def test_a_pipe_that_comes_at_any_moment_is_not_waited_for(
    root: Root, moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = root.folder / "a" / "page.md"

    def become_a_pipe() -> None:
        page.unlink()
        os.mkfifo(page)

    before_call(monkeypatch, moment, become_a_pipe)
    with suppress(Unfit):
        assert root.read("a/page.md", LIMIT) == b"inside"


def test_a_folder_that_becomes_a_link_again_and_again_leads_nowhere(
    root: Root, outside: Path
) -> None:
    read = []

    with swapping(Swap(root, outside)):
        for number in range(600):
            with suppress(HarnessError):
                read.append(root.read_text("a/page.md", LIMIT))
            with suppress(HarnessError):
                read.extend(root.read_text(path, LIMIT) for path in root.walk("a"))
            if number % 10 == 0:
                with suppress(HarnessError):
                    root.write("a/deeper/page.md", "inside")

    assert set(read) <= {"inside"}
    assert untouched(outside)


def test_a_file_that_becomes_a_link_again_and_again_is_never_followed(
    root: Root, outside: Path
) -> None:
    read = []

    with swapping(Swap(root, outside, "a/page.md")):
        for _ in range(2_000):
            with suppress(HarnessError):
                read.append(root.read_text("a/page.md", LIMIT))

    assert set(read) <= {"inside"}
    assert untouched(outside)
