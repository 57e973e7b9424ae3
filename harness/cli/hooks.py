"""`harness hooks`: who is asked at which event, and a person's word that it may change."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import typer

from harness.cli.output import HomeOption, JsonOption, counted, emit, note, table, the_home
from harness.cli.posting import audit
from harness.config.durations import format_duration
from harness.config.home import Home
from harness.config.settings import read_settings
from harness.errors import DaemonNeeded, Held, WaitTimeout
from harness.hooks.standing import Stand, Standing, standings
from harness.services.lock import holder
from harness.tools.catalogue import KNOWN

app = typer.Typer(no_args_is_help=True, help="Who is asked before and after what agents do.")

PATIENCE_SECONDS = 20.0  # for the daemon to read its files again
LOOK_SECONDS = 0.05
ASLEEP = (Standing.IN_FORCE, Standing.IDLE)  # nothing for a person to do


@app.command("list")
def list_(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """The hooks of harness.yaml, and whether they are in force."""
    place = the_home(home)
    show(stands_of(place, holder(place)), as_json=as_json)


@app.command()
def reload(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Have the crew take up files and hooks as they are now. Exit code 1: not all are in force."""
    place = the_home(home)
    stands_of(place, None)  # files that do not parse are told here, before anything is asked
    before = the_daemon(place)
    try:
        os.kill(before["pid"], signal.SIGHUP)
    except ProcessLookupError as error:
        raise not_running() from error
    audit(place, "hooks.reloaded", str(place.root))
    stands = stands_of(place, after_reload(place, before))
    show(stands, as_json=as_json)
    raise typer.Exit(0 if all(each.standing is Standing.IN_FORCE for each in stands) else 1)


def the_daemon(home: Home) -> dict[str, Any]:
    """What the daemon says of itself. Raises DaemonNeeded, or Held while it starts."""
    facts = holder(home)
    if facts is None:
        raise not_running()
    if "hooks_at" not in facts:  # it might not listen to the signal yet, and end by it
        raise Held("the crew is just starting", hint="try again in a moment")
    return facts


def not_running() -> DaemonNeeded:
    return DaemonNeeded("the crew does not run", hint="it takes up the hooks when it starts")


def after_reload(home: Home, before: dict[str, Any]) -> dict[str, Any]:
    """What the daemon says once it has taken the hooks up. Raises WaitTimeout, DaemonNeeded."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        facts = the_daemon(home)
        if facts["hooks_at"] != before["hooks_at"]:
            return facts
        time.sleep(LOOK_SECONDS)
    raise WaitTimeout(
        f"the crew was asked, and has not taken the hooks up within {PATIENCE_SECONDS:.0f} s",
        hint=f"see why in {home.logs}",
    )


def stands_of(home: Home, facts: dict[str, Any] | None) -> list[Stand]:
    hooks = read_settings(home.settings_file, os.environ, KNOWN).hooks
    return standings(hooks, home, os.environ, None if facts is None else facts.get("hooks", []))


def show(stands: list[Stand], *, as_json: bool) -> None:
    if as_json:
        emit([shape(each) for each in stands])
        return
    rows = [(each.label, ", ".join(each.on), about(each), each.standing.value) for each in stands]
    table(("hook", "on", "about", "state"), rows, "no hooks: harness.yaml has none")
    for each in stands:
        if each.trouble:
            note(f"{each.label}: {each.trouble}")
    waiting = [each for each in stands if each.standing not in ASLEEP]
    if waiting:
        note(f"{counted(len(waiting), 'hook')} to look at; then: harness hooks reload")


def about(each: Stand) -> str | None:
    """Which tools and agents alone it is about."""
    hook = each.hook
    words = (
        [hook.tool and f"tool {hook.tool}", hook.agent and f"agent {hook.agent}"] if hook else []
    )
    return ", ".join(word for word in words if word) or None


def shape(each: Stand) -> dict[str, Any]:
    hook = each.hook
    return {
        "hook": each.label,
        "on": each.on,
        "tool": hook.tool if hook else None,
        "agent": hook.agent if hook else None,
        "timeout": format_duration(hook.timeout) if hook else None,
        "state": each.standing.value,
        "trouble": each.trouble,
    }
