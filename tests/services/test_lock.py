"""One daemon to a home: real processes, really killed."""

import signal
import subprocess
import sys
import threading
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


def test_who_only_looks_does_not_keep_a_daemon_from_starting(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with HomeLock(home):
        pass
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            holder(home)

    lookers = [threading.Thread(target=look) for _ in range(3)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(200):
            with HomeLock(home):
                pass
    finally:
        over.set()
        for looker in lookers:
            looker.join()


def test_a_lock_whose_file_is_gone_is_no_lock(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with HomeLock(home) as lock:
        assert lock.intact()
        home.lock.unlink()
        assert not lock.intact()
        home.lock.write_text("")
        assert not lock.intact()
