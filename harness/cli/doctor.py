"""`harness doctor`: what is wrong with this home, and what to do about it."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from harness.cli.output import (
    HomeOption,
    JsonOption,
    counted,
    emit,
    paint,
    say,
    the_home,
    told,
)
from harness.cli.posting import audit
from harness.clock import SystemClock
from harness.config.home import Home
from harness.config.names import did_you_mean
from harness.doctor.checkup import CHECKS, examine, mend
from harness.doctor.finding import Finding, Level
from harness.doctor.patient import Patient
from harness.errors import UsageError

COLOURS = {Level.ERROR: "red", Level.WARNING: "yellow", Level.FIXED: "green", Level.OK: "dim"}
SHOWN = (Level.ERROR, Level.WARNING, Level.FIXED)  # without --all

OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="CHECK", help="Only this check; may be given several times."),
]


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Do the repairs that are safe.")] = False,
    only: OnlyOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Tell also what is well, and hints.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What is wrong, and what to do about it. Exit code 1: there is an error."""
    names = chosen(only)
    place = the_home(home)
    findings = examine(patient_of(place), names)
    if fix:
        findings = treated(place, findings)
    shown = [each for each in findings if everything or each.level in SHOWN]
    if as_json:
        emit([shape(each) for each in shown])
    else:
        tell(shown)
        say(summary(findings, everything=everything))
    raise typer.Exit(1 if any(each.level is Level.ERROR for each in findings) else 0)


def chosen(only: list[str] | None) -> list[str]:
    """The checks that are meant, in their own order. Raises UsageError."""
    for name in only or ():
        if name not in CHECKS:
            hint = did_you_mean(name, CHECKS) or f"one of: {', '.join(CHECKS)}"
            raise UsageError(f"there is no check {name!r}", hint=hint)
    return [name for name in CHECKS if not only or name in only]


def patient_of(home: Home) -> Patient:
    return Patient(home, SystemClock().now(), os.environ)


def treated(home: Home, findings: list[Finding]) -> list[Finding]:
    """The findings after the repairs: what was done, and what the checks concerned say now."""
    done = mend(findings)
    touched = {each.check for each in done}
    for each in done:
        if each.level is Level.FIXED:
            audit(home, "doctor.fixed", each.check, changed=each.message)
    left = [each for each in findings if each.check not in touched]
    again = examine(patient_of(home), touched)
    return sorted([*left, *done, *again], key=lambda each: list(CHECKS).index(each.check))


def tell(findings: list[Finding]) -> None:
    width = max((len(each.check) for each in findings), default=0)
    for each in findings:
        level = paint(each.level.ljust(7), COLOURS.get(each.level, ""))
        say(f"{level}  {each.check.ljust(width)}  {told(each.message)}")
        if each.fix or each.fixable:
            who = " (harness doctor --fix does it)" if each.fixable else ""
            say(f"{'':7}  {'':{width}}  {paint('do:', 'dim')} {told(each.fix or '')}{who}")


def summary(findings: list[Finding], *, everything: bool) -> str:
    """One line: how many problems, and what was not shown."""
    counts = {level: sum(each.level is level for each in findings) for level in Level}
    errors, warnings = counts[Level.ERROR], counts[Level.WARNING]
    words: list[str] = []
    if errors or warnings:
        counted_up = [counted(errors, "error")] if errors else []
        counted_up += [counted(warnings, "warning")] if warnings else []
        words.append(paint(", ".join(counted_up), "red" if errors else "yellow"))
    else:
        words.append(paint("nothing is wrong", "green"))
    if counts[Level.FIXED]:
        words.append(f"{counts[Level.FIXED]} fixed")
    if counts[Level.HINT] and not everything:
        words.append(f"{counted(counts[Level.HINT], 'hint')}: harness doctor --all")
    return "; ".join(words)


def shape(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.check,
        "level": finding.level,
        "message": finding.message,
        "fix": finding.fix,
        "fixable": finding.fixable,
    }
