"""`harness audit`: what was done, by whom, and whether that record is whole."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Annotated

import typer

from harness.audit.line import Line
from harness.audit.reader import last_lines, lines_behind
from harness.audit.verify import Report, shape
from harness.audit.verify import verify as check
from harness.cli.output import (
    HomeOption,
    JsonOption,
    LimitOption,
    emit,
    local,
    note,
    paint,
    say,
    short,
    table,
    the_home,
)

app = typer.Typer(no_args_is_help=True, help="What was done, by whom: a chain of lines.")

LOOK_SECONDS = 0.2
SHOWN = 20  # findings on a terminal; --json has all


@app.command()
def tail(
    limit: LimitOption = 20,
    follow: Annotated[
        bool, typer.Option("--follow", help="Show what comes too, until Ctrl-C.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The last lines; with --follow and --json one object a line."""
    folder = the_home(home).audit
    lines = last_lines(folder, limit)
    if not follow:
        show(lines, as_json=as_json)
        return
    seen = 0
    while True:
        for line in lines:
            say(json.dumps(shape(line), ensure_ascii=False) if as_json else one_line(line))
            seen = line.seq
        time.sleep(LOOK_SECONDS)
        lines = lines_behind(folder, seen)


def show(lines: list[Line], *, as_json: bool) -> None:
    if as_json:
        emit([shape(line) for line in lines])
        return
    rows = [
        (line.seq, local(moment(line)), line.actor, line.action, line.target, summary(line))
        for line in lines
    ]
    table(("seq", "at", "by", "what", "to", "details"), rows, "nothing was done yet")


def one_line(line: Line) -> str:
    where = line.target or "-"
    return f"{local(moment(line))}  {line.actor}  {line.action}  {where}  {summary(line)}".rstrip()


def moment(line: Line) -> datetime:
    return datetime.fromisoformat(line.at)


def summary(line: Line) -> str:
    known = {name: value for name, value in line.details.items() if value not in (None, [], {})}
    words = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in known.items())
    return short(" ".join(words), 80)


@app.command()
def verify(
    known: Annotated[
        str | None,
        typer.Option("--known", help="A hash that you noted earlier; a line must have it."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find every line that was edited, removed, moved or put in. Exit code 1: there is one."""
    report = check(the_home(home).audit, known)
    if as_json:
        emit(report_shape(report))
    else:
        tell(report)
    raise typer.Exit(0 if report.ok else 1)


def tell(report: Report) -> None:
    for finding in report.findings[:SHOWN]:
        say(f"{finding.file}:{finding.line}: {finding.message}")
    if len(report.findings) > SHOWN:
        say(f"and {len(report.findings) - SHOWN} more: harness audit verify --json")
    for remark in report.notes:
        note(remark)
    if report.first is None or report.last is None:
        say("the audit is empty" if report.ok else paint("the audit was changed", "red"))
        return
    first, last = report.first, report.last
    verdict = paint("whole", "green") if report.ok else paint("changed", "red")
    say(f"{verdict}: {report.lines} lines in {report.files} files")
    say(f"from line {first.seq}, {local(moment(first))}, to line {last.seq}, {local(moment(last))}")
    say(f"last hash {last.hash}")


def report_shape(report: Report) -> dict[str, object]:
    ends = {"first": report.first, "last": report.last}
    return {
        "ok": report.ok,
        "files": report.files,
        "lines": report.lines,
        **{
            name: {"seq": line.seq, "at": line.at, "hash": line.hash} if line else None
            for name, line in ends.items()
        },
        "findings": [vars(finding) for finding in report.findings],
        "notes": list(report.notes),
    }
