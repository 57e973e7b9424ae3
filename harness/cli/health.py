"""What `harness status` says of the crew's health: failures in a row, waits, recoveries, and how
it was found out who is meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.bus.port import Incident, Recovery
from harness.bus.reader import Reader
from harness.bus.routed import How
from harness.cli.output import age, iso, paint
from harness.config.home import Home
from harness.services.lock import silence

PERIOD = timedelta(days=14)  # of the recoveries and of the decisions of the router shown
STALE = timedelta(minutes=10)  # a request that has been due for so long deserves a word
SILENCE_SECONDS = 30.0  # a daemon that beats once a second and has not for so long stands still


@dataclass(frozen=True)
class Health:
    """What a person would ask a nurse."""

    silence: float  # seconds since the daemon's last beat
    incidents: Sequence[Incident]
    waiting: Mapping[str, datetime]  # lanes whose oldest request is stale, and since when
    recoveries: Sequence[Recovery]  # newest first
    routed: Mapping[str, Mapping[str, int]]  # decisions of the router: by how, and why


def read_health(home: Home, reader: Reader, *, running: bool) -> Health:
    now = datetime.now(UTC)
    stale = {lane: at for lane, at in reader.waiting_since().items() if now - at > STALE}
    return Health(
        silence=silence(home) if running else 0.0,
        incidents=reader.incidents(),
        waiting=stale,
        recoveries=reader.recoveries(now - PERIOD),
        routed=reader.routed(now - PERIOD),
    )


def health_shape(health: Health) -> dict[str, Any]:
    return {
        "silence_s": round(health.silence, 1),
        "failing": [
            {
                "subject": incident.subject,
                "failures": incident.failures,
                "since": iso(incident.since),
                "task": incident.task,
            }
            for incident in health.incidents
        ],
        "waiting": {lane: iso(since) for lane, since in health.waiting.items()},
        "recoveries": [
            {
                "at": iso(recovery.at),
                "kind": recovery.kind,
                "subject": recovery.subject,
                "note": recovery.note,
            }
            for recovery in health.recoveries
        ],
        "routed": {how: sum(health.routed.get(how, {}).values()) for how in How}
        | {"unsure_because": dict(health.routed.get(How.UNSURE, {}))},
    }


def failing_line(health: Health) -> str | None:
    """What fails, or None: who is well needs no line."""
    rows = [f"{each.subject} ({each.failures} in a row)" for each in health.incidents]
    return paint(", ".join(rows), "red") if rows else None


def waiting_line(health: Health) -> str | None:
    rows = [f"{lane} (due {age(at)})" for lane, at in health.waiting.items()]
    return ", ".join(rows) or None


def routed_line(health: Health) -> str | None:
    """By what requests that named nobody got their agents; None when there was none."""
    if not health.routed:
        return None
    told = ", ".join(
        f"{how} ({sum(made.values())})" for how in How if (made := health.routed.get(how))
    )
    doubts = health.routed.get(How.UNSURE, {})
    why = ", ".join(f"{why} ({number})" for why, number in doubts.items())
    return f"in {PERIOD.days} days: {told}" + (f"; unsure: {why}" if why else "")


def recovered_line(health: Health) -> str:
    """How often the house helped itself, and what it was."""
    if not health.recoveries:
        return f"nothing to recover from in {PERIOD.days} days"
    kinds = Counter(str(recovery.kind) for recovery in health.recoveries)
    told = ", ".join(f"{kind} ({count})" for kind, count in kinds.most_common())
    last = health.recoveries[0]
    times = f"{len(health.recoveries)} times" if len(health.recoveries) > 1 else "once"
    newest = f"last {age(last.at)}: {last.subject}, {last.note}"
    return f"{times} in {PERIOD.days} days: {told}; {newest}"
