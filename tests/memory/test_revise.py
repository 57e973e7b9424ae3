"""Two agents and an editor writing at once lose nothing."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import files
from harness.errors import HarnessError, Held
from harness.files import LinkRefused, read_exact, revise

Act = Callable[[Path], None]


def with_word(word: str) -> Callable[[str | None], str]:
    """A change that is made once: the word on a line of its own."""

    def change(before: str | None) -> str:
        lines = (before or "").split("\n")
        return before or "" if word in lines else f"{before or ''}{word}\n"

    return change


def by_rename(path: Path, word: str) -> None:
    """As most editors write: a new file takes the old one's name."""
    text = path.read_text() if path.exists() else ""
    fresh = path.with_name(f"{path.name}~{word}")
    fresh.write_text(f"{text}{word}\n")
    fresh.replace(path)


def in_place(path: Path, word: str) -> None:
    """As some do: the same file, emptied and written anew."""
    text = path.read_text() if path.exists() else ""
    path.write_text(f"{text}{word}\n")


def test_any_bytes_stay_and_so_does_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "odd.md"
    path.write_bytes(b"caf\xe9\r\nx\ry")
    path.chmod(0o640)

    revise(path, lambda before: f"{before}z")

    assert path.read_bytes() == b"caf\xe9\r\nx\ryz"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new.md"

    assert revise(path, with_word("a")) == "a\n"

    assert path.read_text() == "a\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_written_where_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / "same.md"
    path.write_text("a\n")
    before = path.stat()

    revise(path, with_word("a"))

    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_a_link_is_refused_and_what_is_no_plain_file(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(LinkRefused, match="link is a symbolic link"):
        revise(tmp_path / "link", with_word("a"))
    with pytest.raises(HarnessError, match="pipe is no plain file"):
        revise(tmp_path / "pipe", with_word("a"))
    assert (tmp_path / "real").read_text() == "secret"


def test_a_link_put_in_the_place_of_the_file_stays_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "page.md", tmp_path / "other"
    path.write_text("a\n")
    other.write_text("secret\n")

    def linked(_: Path) -> None:
        path.unlink()
        path.symlink_to(other)

    with meddling(monkeypatch, [("before exchange", linked)]), pytest.raises(LinkRefused):
        revise(path, with_word("ours"))

    assert path.is_symlink()
    assert other.read_text() == "secret\n"
    assert sorted(tmp_path.iterdir()) == [other, path]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of writers")
def test_who_has_the_file_open_for_writing_is_waited_for_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "page.md"
    path.write_text("a\n")
    monkeypatch.setattr(files, "PATIENCE", 0.01)

    with path.open("a") as editor:
        assert read_exact(path) == "a\n"
        with pytest.raises(Held, match=r"page.md is being written by somebody else"):
            revise(path, with_word("ours"))
        editor.write("theirs\n")

    assert path.read_text() == "a\ntheirs\n"
    assert revise(path, with_word("ours")) == "a\ntheirs\nours\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of writers")
def test_an_editor_who_opened_the_old_file_writes_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "page.md"
    path.write_text("a\n")
    monkeypatch.setattr(files, "PATIENCE", 0.01)
    opened = []

    def opens(_: Path) -> None:
        opened.append(path.open("a"))

    with meddling(monkeypatch, [("before exchange", opens)]), pytest.raises(Held):
        revise(path, with_word("ours"))
    opened[0].write("theirs\n")
    opened[0].close()

    assert path.read_text() == "a\ntheirs\n"
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_step_of_the_system_files_trade_names_in_three(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "page.md"
    path.write_text("a\n")
    monkeypatch.setattr(files, "_exchange", lambda one, other: errno.ENOSYS)

    assert revise(path, with_word("ours")) == "a\nours\n"
    assert path.read_text() == "a\nours\n"
    assert list(tmp_path.iterdir()) == [path]


STEPS = [
    f"{when} {step}" for when in ("before", "after") for step in ("settled", "exchange", "link")
]


@contextmanager
def meddling(
    monkeypatch: pytest.MonkeyPatch, acts: list[tuple[str, Act]], path: Path | None = None
) -> Iterator[None]:
    """Others act before and after the steps of a revision, each once, in this order."""
    waiting = list(acts)

    def between(name: str, step: Callable[..., object]) -> Callable[..., object]:
        def done(*arguments: object, **options: object) -> object:
            play(f"before {name}")
            try:
                return step(*arguments, **options)
            finally:
                play(f"after {name}")

        return done

    def play(moment: str) -> None:
        while waiting and waiting[0][0] == moment:
            waiting.pop(0)[1](path or Path())

    with monkeypatch.context() as patch:
        patch.setattr(files, "settled", between("settled", files.settled))
        patch.setattr(files, "exchange", between("exchange", files.exchange))
        patch.setattr(os, "link", between("link", os.link))
        yield


writers = st.sampled_from([by_rename, in_place])
moments = st.lists(st.tuples(st.sampled_from(STEPS), writers), max_size=6)


@settings(max_examples=200, deadline=None)
@given(moments=moments, there=st.booleans())
def test_whatever_an_editor_writes_between_two_steps_stays(
    moments: list[tuple[str, Callable[[Path, str], None]]], there: bool
) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as monkeypatch:
        path = Path(name) / "page.md"
        if there:
            path.write_text("first\n")
        written: list[str] = []

        def act(number: int, write: Callable[[Path, str], None]) -> Act:
            def acts(page: Path) -> None:
                write(page, f"word{number}")
                written.append(f"word{number}")

            return acts

        acts = [(moment, act(n, write)) for n, (moment, write) in enumerate(moments)]
        with meddling(monkeypatch, acts, path):
            revise(path, with_word("ours"))

        said = path.read_text().split()
        beside = [word for other in beside_of(path) for word in other.read_text().split()]
        assert said.count("ours") == 1
        assert set(written) <= {*said, *beside}
        assert ("first" in said) is there
        assert not list(path.parent.glob(".*"))


def beside_of(path: Path) -> list[Path]:
    return list(path.parent.glob(f"{path.name}.kept-*"))


RACER = """
import sys
from pathlib import Path
from harness.files import locked, revise
from tests.memory.test_revise import EDITORS, with_word

path, role = Path(sys.argv[1]), sys.argv[2]
for number in range(40):
    word = f"{role}-{number}"
    if role in EDITORS:
        EDITORS[role](path, word)
        continue
    with locked(path.parent):
        revise(path, with_word(word))
"""


def at_the_end(path: Path, word: str) -> None:
    """As a shell does with `>>`."""
    with path.open("a") as file:
        file.write(f"{word}\n")


EDITORS = {"rename": by_rename, "place": in_place, "append": at_the_end}


def race(path: Path, *roles: str) -> set[str]:
    """The words that are left when all these processes have written forty each."""
    racers = [subprocess.Popen([sys.executable, "-c", RACER, str(path), role]) for role in roles]
    assert [racer.wait(timeout=60) for racer in racers] == [0] * len(roles)
    texts = [path.read_text(), *(other.read_text() for other in beside_of(path))]
    return {word for text in texts for word in text.split()}


def words_of(*roles: str) -> set[str]:
    return {f"{role}-{number}" for role in roles for number in range(40)}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of writers")
def test_two_agents_and_an_editor_writing_at_once_lose_nothing(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("first\n")

    left = race(tmp_path / "page.md", "agent1", "agent2", "append")

    assert left == {"first", *words_of("agent1", "agent2", "append")}


@pytest.mark.parametrize("editor", ["rename", "place"])
def test_an_editor_who_saves_what_he_read_a_while_ago_keeps_all_that_he_saved(
    tmp_path: Path, editor: str
) -> None:
    (tmp_path / "page.md").write_text("first\n")

    left = race(tmp_path / "page.md", "agent1", "agent2", editor)

    assert left >= {"first", *words_of(editor)}
