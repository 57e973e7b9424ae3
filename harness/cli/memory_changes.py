"""The commands of `harness memory` that change something."""

from __future__ import annotations

import typer

from harness.cli.promoting import promote, undo

app = typer.Typer()
for command in (promote, undo):
    app.command()(command)
