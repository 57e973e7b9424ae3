"""The board: what the pool does, for the owner's other processes, whatever its servers say."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from harness.clock import FakeClock
from harness.models.pool.state import HostState, PoolState
from harness.services.board import Board

ODD = "\ud800 \x1b[2J"


async def test_whatever_a_server_says_hangs_there_for_the_owner_alone(
    tmp_path: Path, clock: FakeClock
) -> None:
    host = HostState("local", "http://127.0.0.1:9", 1, None, None, trouble=ODD, looked=None)
    board = Board(tmp_path / "pool.json", lambda: PoolState(hosts=(host,)), clock)

    await board.step()

    assert json.loads(board.path.read_text())["hosts"][0]["trouble"] == ODD
    assert "\x1b" not in board.path.read_text()
    assert stat.S_IMODE(board.path.stat().st_mode) == 0o600
