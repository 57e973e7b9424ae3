"""A traceback in the log: one short field, which shows no variable."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path
import structlog
from harness.logs import set_up_logs

def ping(depth):
    held = "can" + "ary" * 1000
    return pong(depth + 1)

def pong(depth):
    if depth > 400:
        raise ValueError("deep down")
    return ping(depth + 1)

set_up_logs(Path(sys.argv[1]), colour=False)
try:
    ping(0)
except ValueError as error:
    try:
        raise RuntimeError("on the way") from error
    except RuntimeError:
        structlog.get_logger("test").exception("broke")
"""


def test_a_fault_is_one_short_line_of_the_log_and_shows_no_variable(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    (line,) = (tmp_path / "harness.log").read_text().splitlines()
    told = json.loads(line)["exception"]

    assert told.endswith("RuntimeError: on the way")
    assert "ValueError: deep down" in told
    for text in (told, ran.stderr):
        assert "canary" not in text
        assert len(text) < 4000
