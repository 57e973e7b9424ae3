"""Sending again what was asked long ago: its age is shown, and a person is asked."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from harness.bus.port import Task
from harness.cli.output import age, note, short
from harness.errors import HarnessError

STALE = timedelta(hours=1)  # an answer to what was asked earlier may surprise whoever gets it

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, however old it is.")]


def confirm_stale(tasks: Sequence[Task], *, yes: bool) -> None:
    """Say how old the old ones of these are, and on a terminal ask. Raises HarnessError for a no.

    Without a terminal nothing is asked (docs/cli.md), and only said.
    """
    old = [task for task in tasks if datetime.now(UTC) - task.created_at > STALE]
    if not old or yes:
        return
    for task in old:
        note(f"asked {age(task.created_at)}: task {task.id} ({short(task.title)})")
    if sys.stdin and sys.stdin.isatty() and not typer.confirm("Send it again now?", err=True):
        raise HarnessError("nothing was sent again")
