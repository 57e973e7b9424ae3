"""The hooks: whether those in force are the ones that a person wrote."""

from __future__ import annotations

from collections.abc import Iterator

from harness.doctor.finding import Finding, Level
from harness.doctor.patient import Patient
from harness.hooks.standing import Standing, standings

RELOAD = "look at it, then: harness hooks reload"
SAID = {
    Standing.WAITING: "is in harness.yaml and not in force",
    Standing.DROPPED: "is in force and not in harness.yaml any more",
    Standing.CHANGED: "does not run, and blocks: its program was changed since it was taken up",
}


def hooks(patient: Patient) -> Iterator[Finding]:
    """The hooks in force are those of harness.yaml."""
    facts = patient.daemon
    told = None if facts is None else facts.get("hooks", [])
    for each in standings(patient.crew.settings.hooks, patient.home, patient.environment, told):
        if each.standing in SAID:
            yield Finding(Level.WARNING, f"hook {each.label} {SAID[each.standing]}", RELOAD)
        if each.standing is Standing.BROKEN:
            what = f"hook {each.label}: {each.trouble}"
            yield Finding(Level.WARNING, what, "put it in order; harness down; harness up")
