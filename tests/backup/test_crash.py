"""A restore that is killed at any step leaves a home that is there, or comes back."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.backup import restore as restore_module
from harness.backup import swap as swap_module
from harness.backup import unpack as unpack_module
from harness.backup.pack import make_backup
from harness.backup.restore import restore
from harness.backup.swap import mend_if_interrupted
from harness.clock import FakeClock
from harness.config.home import Home, is_home
from harness.errors import Held

KILLED = 9
STEPS = 60  # more than there are


def killed_at(step: int, file: Path, home: Path) -> None:
    """Restore in this process, which dies at its `step`th rename, sync, journal or member."""
    left = step

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                os._exit(KILLED)
            return real(*args, **kwargs)

        return call

    Path.rename = counted(Path.rename)  # type: ignore[method-assign]
    Path.unlink = counted(Path.unlink)  # type: ignore[method-assign]
    swap_module.sync_folder = counted(swap_module.sync_folder)  # type: ignore[attr-defined]
    restore_module.write_journal = counted(restore_module.write_journal)  # type: ignore[attr-defined]
    unpack_module.write_member = counted(unpack_module.write_member)
    restore(file, home, FakeClock().now())


@pytest.mark.parametrize("exists", [True, False], ids=["over a home", "where there was none"])
def test_a_kill_at_any_step_is_mended(
    home: Home, clock: FakeClock, tmp_path: Path, exists: bool
) -> None:
    (home.agents / "USER.md").write_text("Me.\n")
    file = make_backup(home, tmp_path / "b.tar.gz", clock.now()).file
    context = multiprocessing.get_context("fork")
    moved = 0
    for step in range(1, STEPS):
        place = tmp_path / f"step-{step}" / "home"
        place.parent.mkdir()
        if exists:
            (place / "agents").mkdir(parents=True)
            (place / "cron.yaml").write_text("jobs: {old: {}}\n")
        process = context.Process(target=killed_at, args=(step, file, place))
        process.start()
        process.join(30)
        if process.exitcode == 0:
            break
        assert process.exitcode == KILLED
        moved += not place.exists()

        mend_if_interrupted(place)
        assert is_home(place) or not exists
        restore(file, place, clock.now())
        assert is_home(place)
        assert "old" not in (place / "cron.yaml").read_text()
        leftovers = {path.name for path in place.parent.iterdir() if path.name.startswith(".")}
        assert leftovers == set()
        kept = list(place.parent.glob("home.before-restore-*/cron.yaml"))
        assert any("old" in path.read_text() for path in kept) is exists
    else:
        pytest.fail("it never came to its end")
    assert moved >= 2  # or the dangerous moment was not met


def test_two_restores_of_one_home_do_not_meet(full: Home, clock: FakeClock, tmp_path: Path) -> None:
    file = make_backup(full, tmp_path / "b.tar.gz", clock.now()).file

    with swap_module.restoring(full.root), pytest.raises(Held):
        restore(file, full.root, clock.now())
