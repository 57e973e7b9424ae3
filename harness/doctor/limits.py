"""The limits of the day: how far models have used them up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from harness.db.connection import explained
from harness.doctor.finding import Finding, Level
from harness.doctor.patient import Patient, Unseen
from harness.errors import HarnessError
from harness.models.ledger.schema import open_to_read
from harness.models.ledger.sums import spent_on
from harness.models.limits.day import day_of, end_of
from harness.models.limits.limit import standings


def limits(patient: Patient) -> Iterator[Finding]:
    """Every limit of the day has room left for models."""
    settings = patient.crew.settings.models.limits
    zone = patient.crontab.zone
    today = day_of(patient.now, zone)
    try:
        with explained(patient.home.ledger), closing(open_to_read(patient.home.ledger)) as db:
            spent = spent_on(db, today, zone)
    except HarnessError as error:
        raise Unseen("the ledger cannot be read") from error
    again = end_of(today, zone).astimezone(zone)
    for standing in standings(settings, spent, agents=patient.crew.profiles):
        if standing.is_nearly_used:
            yield Finding(
                Level.WARNING,
                f"{standing.text}; there is all of it again at {again:%Y-%m-%d %H:%M} {zone}",
                f"edit {patient.home.settings_file}: {standing.limit.key}",
            )
