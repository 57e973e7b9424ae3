"""How long rows are kept: after that, each day is one row for an agent, a model, an outcome."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta, tzinfo

from harness.clock import stamp, unstamp
from harness.models.ledger.rows import span
from harness.models.ledger.sums import bounds
from harness.models.limits.day import day_of

KEPT = timedelta(days=90)

SUM_UP = """
    INSERT INTO days (day, agent, model, outcome, calls, prompt_tokens, completion_tokens,
                      gpu_s, load_s, money)
    SELECT :day, agent, model, outcome, count(*), sum(iif(purpose = 'embed', 0, prompt_tokens)),
           sum(iif(purpose = 'embed', 0, completion_tokens)), sum(gpu_s), sum(load_s), sum(money)
    FROM calls WHERE at >= :begin AND at < :end AND outcome <> 'open'
    GROUP BY agent, model, outcome
    ON CONFLICT (day, agent, model, outcome) DO UPDATE SET
        calls = calls + excluded.calls,
        prompt_tokens = prompt_tokens + excluded.prompt_tokens,
        completion_tokens = completion_tokens + excluded.completion_tokens,
        gpu_s = gpu_s + excluded.gpu_s,
        load_s = load_s + excluded.load_s,
        money = money + excluded.money
"""
DROP = "DELETE FROM calls WHERE at >= :begin AND at < :end AND outcome <> 'open'"
OLDEST = "SELECT min(at) FROM calls WHERE outcome <> 'open' AND at < :before"


def fold(db: sqlite3.Connection, now: datetime, zone: tzinfo) -> int:
    """Sum up every day of the zone that ended more than KEPT ago, and drop its rows; how many."""
    before, _ = bounds(day_of(now - KEPT, zone), zone)
    gone = 0
    while oldest := db.execute(OLDEST, {"before": stamp(before)}).fetchone()[0]:
        day = day_of(unstamp(oldest), zone)
        place = span(*bounds(day, zone))
        db.execute(SUM_UP, place | {"day": day.isoformat()})
        gone += db.execute(DROP, place).rowcount
    db.execute("DELETE FROM loads WHERE at < ?", (stamp(before),))
    return gone
