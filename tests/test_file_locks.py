"""Folders held alone, and files that are not links."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from harness.files import LinkRefused, locked, mode_of, read_plain, write_whole


def test_a_folder_is_held_by_one_thread_at_a_time(tmp_path: Path) -> None:
    count = tmp_path / "count"
    count.write_text("0")

    def add() -> None:
        for _ in range(50):
            with locked(tmp_path):
                number = int(count.read_text())
                write_whole(count, str(number + 1), durable=False)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert count.read_text() == "200"


def test_the_lock_is_given_back_after_an_error_and_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"

    with pytest.raises(ZeroDivisionError), locked(folder):
        _ = 1 / 0
    with locked(folder):
        assert list(folder.iterdir()) == []


def test_a_link_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "real")

    with pytest.raises(LinkRefused, match="link is a symbolic link"):
        read_plain(tmp_path / "link")
    assert read_plain(tmp_path / "real") == "secret"
    assert read_plain(tmp_path / "none") is None


def test_a_pipe_does_not_hang_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert read_plain(tmp_path / "pipe") == ""


def test_odd_bytes_are_shown_and_not_fatal(tmp_path: Path) -> None:
    (tmp_path / "odd").write_bytes(b"caf\xe9")

    assert read_plain(tmp_path / "odd") == "caf\ufffd"


def test_the_mode_of_a_file_is_known_and_that_of_a_new_one_private(tmp_path: Path) -> None:
    (tmp_path / "open").touch()
    (tmp_path / "open").chmod(0o644)

    assert mode_of(tmp_path / "open") == 0o644
    assert mode_of(tmp_path / "new") == 0o600
