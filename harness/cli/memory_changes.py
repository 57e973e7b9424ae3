"""The commands of `harness memory` that change something."""

from __future__ import annotations

import typer

from harness.cli.promoting import promote, undo
from harness.cli.proposed import approve, reject
from harness.cli.reflecting import reflect

app = typer.Typer()
for command in (promote, undo, approve, reject, reflect):
    app.command()(command)
