"""`harness up` and `harness down`: the daemon in the foreground, and the word to end it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from harness.app import App, Readiness, serve
from harness.cli.health import SILENCE_SECONDS
from harness.cli.output import HomeOption, JsonOption, emit, iso, note, say, the_home
from harness.config.durations import parse_duration
from harness.config.home import Home
from harness.errors import WaitTimeout
from harness.logs import set_up_logs
from harness.services.lock import HomeLock, holder, silence
from harness.services.lookout import Outlook
from harness.services.notify import Notifier
from harness.text.secrets import Redactor

LOOK_SECONDS = 0.05
FORCED = 130  # a second signal ends at once


def up(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Run the crew in the foreground until Ctrl-C. Exit code 78: the files cannot run."""
    place = the_home(home)
    with HomeLock(place) as lock:
        redactor = Redactor.knowing(os.environ)
        log_file = set_up_logs(place.logs, colour=sys.stderr.isatty(), redactor=redactor)

        def tell(ready: Readiness) -> None:
            if as_json:
                emit(ready_shape(ready, log_file))
            else:
                note(banner(ready, log_file))

        asyncio.run(run(place, lock, tell, redactor))
    note("stopped; what is left carries on at the next start")


async def run(
    home: Home, lock: HomeLock, tell: Callable[[Readiness], None], redactor: Redactor
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask_to_stop, stop)
    app = App.open(home, hold=lock, redactor=redactor)
    loop.add_signal_handler(signal.SIGHUP, app.ring)
    await serve(app, stop, tell)


def ask_to_stop(stop: asyncio.Event) -> None:
    """The first signal stops in good order, the second at once."""
    if stop.is_set():
        note("stopped at once; unfinished tasks are taken up at the next start")
        os._exit(FORCED)
    note("stopping: sessions are handed back, finals handed over (again to stop at once)")
    Notifier.of(os.environ).send(STOPPING=1)
    stop.set()


def ready_shape(ready: Readiness, log_file: Path) -> dict[str, object]:
    return {
        "home": str(ready.home.root),
        "log": str(log_file),
        "pid": os.getpid(),
        "version": ready.version,
        "started_at": iso(ready.started_at),
        "agents": list(ready.agents),
        "jobs": ready.jobs,
        "model": ready.outlook.model,
        "wanted": ready.outlook.wanted,
        "trouble": ready.outlook.trouble,
        "taken_over": ready.taken_over,
        "next": [{"job": job, "at": iso(due)} for due, job in ready.next_fires],
    }


def banner(ready: Readiness, log_file: Path) -> str:
    """What a person wants to know at the start."""
    lines = [
        f"harness {ready.version}: {len(ready.agents)} agents, {ready.jobs} jobs enabled",
        f"  home   {ready.home.root}",
        f"  log    {log_file}",
        f"  model  {model_line(ready.outlook)}",
    ]
    if ready.taken_over:
        lines.append(f"  left   {ready.taken_over} unfinished tasks taken over")
    for due, job in ready.next_fires:
        lines.append(f"  next   {due:%a %H:%M %Z}  {job}")
    if not ready.next_fires:
        lines.append("  next   nothing is scheduled")
    lines.append('ask it:  harness send ainews "Digest now" --wait     stop it: Ctrl-C')
    return "\n".join(lines)


def model_line(now: Outlook) -> str:
    if now.trouble is None:
        return f"{now.wanted}, it answers"
    if now.model == now.wanted:
        return f"{now.wanted} cannot be used: {now.trouble}; tasks wait and are tried again"
    return f"{now.model} (degraded: {now.wanted} cannot be used: {now.trouble})"


def down(
    timeout: Annotated[
        str, typer.Option("--timeout", help="How long to wait for the end, like 90s.")
    ] = "2m",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End the running daemon in good order."""
    place = the_home(home)
    facts = holder(place)
    if facts and "pid" in facts:
        if silence(place) > SILENCE_SECONDS:
            note(f"it stands still; should it not end by itself: kill -9 {facts['pid']}")
        with suppress(ProcessLookupError):
            os.kill(facts["pid"], signal.SIGTERM)
        wait_until_gone(place, parse_duration(timeout).total_seconds())
    if as_json:
        emit({"stopped": facts is not None, "pid": (facts or {}).get("pid")})
        return
    say(f"stopped (process {facts.get('pid')})" if facts else "the crew was not running")


def wait_until_gone(home: Home, patience: float) -> None:
    """Return once nobody holds the home. Raises WaitTimeout."""
    until = time.monotonic() + patience
    while holder(home) is not None:
        if time.monotonic() > until:
            raise WaitTimeout(
                f"the daemon of {home.root} is still stopping after {int(patience)} s",
                hint="run harness down again to end it at once",
            )
        time.sleep(LOOK_SECONDS)
