"""The home that a command means, also one that has lost a part."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.home import Home, find_home
from harness.errors import NotFound


def test_a_home_that_a_daemon_used_is_found_without_one_of_its_parts(home: Home) -> None:
    below = home.root / "notes"
    below.mkdir()
    home.state.mkdir()
    home.cron_file.unlink()

    assert find_home(home.root, None, Path("/")) == home
    assert find_home(None, None, below) == home


@pytest.mark.parametrize("part", ["agents", ".harness", "nothing"])
def test_a_folder_that_never_was_a_home_is_none(tmp_path: Path, part: str) -> None:
    (tmp_path / part).mkdir()

    with pytest.raises(NotFound, match="is no home"):
        find_home(tmp_path, None, Path("/"))
