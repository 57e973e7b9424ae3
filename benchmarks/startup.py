"""What the crew costs to start and to leave running: `python benchmarks/startup.py [--json]`.

A fresh sample home in a temporary folder, the real command line, and a real daemon with no
Ollama beside it. `python -c pass` runs in the same rounds, since the interpreter's own start
is the floor that nothing here gets under.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psutil

from harness.bus.reader import Reader
from harness.config.home import Home

ROUNDS = 9
IDLE_SECONDS = 20.0
FIRES = 5
SETTLE_SECONDS = 5.0  # a daemon that has just started still tidies up
HARNESS = (sys.executable, "-m", "harness")
READY = "ask it:"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true")
    as_json = arguments.parse_args().json
    figures = measure()
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:<22} {value:10.2f}")


def measure() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        run(*HARNESS, "init", str(home))
        commands = {
            "python_ms": (sys.executable, "-c", "pass"),
            "version_ms": (*HARNESS, "--version"),
            "queue_list_ms": (*HARNESS, "queue", "list", "--home", str(home)),
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):  # side by side, so that a noisy minute hits all alike
            for name, command in commands.items():
                times[name].append(timed(*command))
        commands_ms = {name: median(values) for name, values in times.items()}
        return commands_ms | daemon(home) | first_fire(home)


def daemon(home: Path) -> dict[str, float]:
    with up(home) as (process, ready):
        return {"ready_ms": ready, **idle(psutil.Process(process.pid))}


def first_fire(home: Path) -> dict[str, float]:
    """How late the first slots of a job fire that is due every second."""
    job = "jobs: {tick: {agent: butler, prompt: Go., every: 1s, overlap: queue}}\n"
    (home / "cron.yaml").write_text(job)
    with up(home):
        time.sleep(FIRES + 1)
    with Reader(Home(home).database) as reader:
        late = [slot.lateness.total_seconds() * 1000 for slot in reader.slots("tick")]
    return {"first_fire_late_ms": late[-1], "fire_late_ms_p50": median(late)}


@contextmanager
def up(home: Path) -> Iterator[tuple[subprocess.Popen[str], float]]:
    """A running daemon, and how many milliseconds it took to be ready."""
    started = time.perf_counter()
    process = subprocess.Popen(
        (*HARNESS, "up", "--home", str(home)),
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OLLAMA_HOST": "127.0.0.1:9"},  # the port that discards
    )
    try:
        assert process.stderr is not None
        while READY not in process.stderr.readline():
            pass
        yield process, (time.perf_counter() - started) * 1000
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def idle(process: psutil.Process) -> dict[str, float]:
    time.sleep(SETTLE_SECONDS)
    before, begun = process.cpu_times(), time.perf_counter()
    time.sleep(IDLE_SECONDS)
    after, seconds = process.cpu_times(), time.perf_counter() - begun
    busy = after.user + after.system - before.user - before.system
    return {
        "idle_rss_mb": process.memory_info().rss / 1024**2,
        "idle_cpu_percent": 100 * busy / seconds,
    }


def timed(*command: str) -> float:
    begun = time.perf_counter()
    run(*command)
    return (time.perf_counter() - begun) * 1000


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
