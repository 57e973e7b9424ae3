"""The log shows no secret: not in a field, not in a traceback, not from another library."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from harness.logs import LogFile

PROGRAM = """
import logging, sys
from pathlib import Path
import structlog
from harness.logs import set_up_logs

set_up_logs(Path(sys.argv[1]), colour=False)
log = structlog.get_logger("test")
log.info("asked", url="https://user:canary1@example.org", password="canary2", tokens=5)
logging.getLogger("other").warning("sent %s", "Authorization: Basic canary3")
try:
    raise ValueError("no answer to token=canary4, and canary5")
except ValueError:
    log.exception("broke")
    logging.getLogger("other").exception("broke too")
"""


def test_no_secret_reaches_the_log(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env={"SOME_TOKEN": "canary5", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    written = (tmp_path / "harness.log").read_text()

    for text in (ran.stderr, written):
        assert "canary" not in text
        assert text.count("ValueError") >= 2
        assert "no answer to token=[redacted], and [redacted]" in text
    assert '"tokens": 5' in written
    assert len(written.splitlines()) == 4


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_once_and_shows_no_record(capsys: pytest.CaptureFixture[str]) -> None:
    file = LogFile("/dev/full", encoding="utf-8")
    record = logging.LogRecord("test", logging.INFO, "", 0, "canary", None, None)

    for _ in range(3):
        file.emit(record)

    told = capsys.readouterr().err
    assert told == "the log file cannot be written: [Errno 28] No space left on device\n"
    with pytest.raises(OSError, match="No space left"):
        file.close()
