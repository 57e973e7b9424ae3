"""One daemon to a home: real processes, really killed."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.config.home import Home
from harness.errors import Held
from harness.services.lock import HomeLock, holder

HOLD = """
import sys
from pathlib import Path
from harness.config.home import Home
from harness.services.lock import HomeLock
with HomeLock(Home(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(root: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str], by: signal.Signals) -> None:
    process.send_signal(by)
    process.communicate()


def test_the_second_daemon_is_refused_and_told_who_holds_the_home(tmp_path: Path) -> None:
    process = hold(tmp_path)

    with pytest.raises(Held, match=f"process {process.pid}"), HomeLock(Home(tmp_path)):
        pass

    end(process, signal.SIGTERM)


def test_a_killed_holder_leaves_no_lock_behind(tmp_path: Path) -> None:
    process = hold(tmp_path)
    end(process, signal.SIGKILL)

    with HomeLock(Home(tmp_path)) as lock:
        lock.tell(pid=1234, model="ollama/m")
        assert lock.file is not None


def test_the_holder_is_known_while_it_lives_and_not_after(tmp_path: Path) -> None:
    process = hold(tmp_path)

    facts = holder(Home(tmp_path))

    assert facts == {"pid": process.pid}
    end(process, signal.SIGKILL)
    assert holder(Home(tmp_path)) is None
