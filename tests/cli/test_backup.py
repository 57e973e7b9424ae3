"""backup and restore: the words, the JSON and the exit codes that scripts rely on."""

from __future__ import annotations

from pathlib import Path

from harness.backup import swap as swap_module
from harness.config.home import Home
from harness.services.lock import HomeLock
from tests.cli.conftest import Harness


def test_a_backup_is_made_and_put_back(harness: Harness, home: Home, tmp_path: Path) -> None:
    task = harness("send", "scout", "Look.", "--json").document["id"]
    file = tmp_path / "b.tar.gz"

    made = harness("backup", file, "--json")
    harness("queue", "cancel", task)
    done = harness("restore", file, "--json")

    assert (made.code, made.document["tasks"]) == (0, {"request": 1})
    assert made.document["bytes"] == file.stat().st_size
    assert done.code == 0
    assert Path(done.document["before"]).is_dir()
    assert harness("queue", "show", task, "--json").document["state"] == "request"
    actions = [line["action"] for line in harness("audit", "tail", "--json").document]
    assert actions == ["task.sent", "backup.restored"]
    assert harness("audit", "verify").code == 0


def test_a_backup_is_put_where_no_home_is_yet(harness: Harness, tmp_path: Path) -> None:
    file = tmp_path / "b.tar.gz"
    harness("backup", file)

    said = harness("restore", file, "--home", tmp_path / "other")

    assert said.code == 0
    assert harness("agents", "list", "--home", tmp_path / "other").code == 0


def test_a_running_daemon_is_exit_code_6(harness: Harness, home: Home, tmp_path: Path) -> None:
    file = tmp_path / "b.tar.gz"
    harness("backup", file)

    with HomeLock(home):
        made = harness("backup", file)
        put_back = harness("restore", file)

    assert made.code == 0
    assert put_back.code == 6


def test_what_is_no_backup_is_exit_code_1(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")

    assert harness("restore", tmp_path / "text").code == 1
    assert harness("restore", tmp_path / "none").code == 1
    assert harness("backup", tmp_path / "no" / "folder.tar.gz").code == 1


def test_a_restore_that_was_killed_between_its_renames_is_finished_by_the_next_command(
    harness: Harness, home: Home
) -> None:
    swap = swap_module.swap_for(home.root, "T")
    journal = swap_module.journal_of(home.root)
    journal.touch()
    swap_module.write_journal(journal, swap_module.SWAPPING, swap)
    home.root.rename(swap.fresh)

    assert harness("agents", "list").code == 0
    assert home.cron_file.exists()
    assert not journal.exists()
