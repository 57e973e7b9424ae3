"""A real daemon on a disk that is full, that turns read-only, that damaged the database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.clock import FakeClock
from tests.chaos.test_daemon import harness, up
from tests.flows.house import House

pytestmark = [pytest.mark.chaos, pytest.mark.siege]

MEGABYTE = 1024 * 1024
FEW = "30s"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 8 MB; only root may have one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here: this test needs root")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture
def house(disk: Path, clock: FakeClock) -> House:
    house = House(disk / "home", clock)
    house.agent("scout")
    return house


async def ask(house: House, text: str) -> tuple[int, str | None]:
    """Ask and wait: the exit code, and the outcome."""
    root = house.home.root
    code, task = await harness(root, "send", "scout", text, "--wait", "--timeout", FEW)
    return code, (task or {}).get("outcome")


async def test_a_full_disk_is_told_and_what_was_asked_before_ends_once_there_is_room(
    house: House, disk: Path
) -> None:
    root = house.home.root
    async with up(root) as daemon:
        assert await ask(house, "Look.") == (0, "done")
        fill(disk / "ballast")

        code, _ = await harness(root, "send", "scout", "Look again. " * 5000)
        assert code == 1
        assert (await harness(root, "queue", "list"))[0] == 0
        (disk / "ballast").unlink()

        assert await ask(house, "And again.") == (0, "done")
        assert await daemon.end(signal.SIGTERM) == 0


async def test_a_home_on_a_read_only_disk_is_told_and_can_be_read(house: House, disk: Path) -> None:
    root = house.home.root
    async with up(root) as daemon:
        assert await ask(house, "Look.") == (0, "done")
        await daemon.end(signal.SIGTERM)
    remount(disk, "ro")

    refused = start(root)
    assert refused.returncode == 1
    assert "Read-only file system" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert (await harness(root, "send", "scout", "Look again."))[0] == 1
    code, tasks = await harness(root, "queue", "list")
    assert (code, len(tasks)) == (0, 1)
    remount(disk, "rw")

    async with up(root) as daemon:
        assert await ask(house, "And again.") == (0, "done")
        assert await daemon.end(signal.SIGTERM) == 0


async def test_a_damaged_database_is_refused_and_kept(house: House) -> None:
    root = house.home.root
    async with up(root) as daemon:
        assert await ask(house, "Look.") == (0, "done")
        await daemon.end(signal.SIGTERM)
    with house.home.database.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(2 * 4096))

    refused = start(root)

    assert refused.returncode == 78
    assert "a copy was put aside as harness.db.damaged-" in refused.stderr
    assert "harness restore FILE" in refused.stderr
    assert list(house.home.state.glob("harness.db.damaged-*"))


def start(root: Path) -> subprocess.CompletedProcess[str]:
    """`harness up`, which is to be refused."""
    command = [sys.executable, "-m", "harness", "up", "--home", str(root)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def fill(file: Path) -> None:
    with file.open("wb") as ballast:
        try:
            while True:
                ballast.write(b"x" * MEGABYTE)
                ballast.flush()
        except OSError:
            pass


def remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)
