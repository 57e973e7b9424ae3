"""What the daemon's board says of its pool of models, read by another process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from harness.config.home import Home
from harness.services.lock import holder


def read_board(home: Home) -> Mapping[str, Any] | None:
    """What hangs there; None where no daemon runs, or it has hung out nothing."""
    daemon = holder(home)
    if daemon is None:
        return None
    with suppress(OSError, ValueError):  # not there, or of a program that writes it otherwise
        board = json.loads(home.pool.read_text(encoding="utf-8"))
        if isinstance(board, dict) and board.get("pid") == daemon.get("pid"):
            return board
    return None
