"""What was spent on a day."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime, timedelta, tzinfo

from harness.models.ledger.rows import span
from harness.models.limits.amount import Amount
from harness.models.limits.day import end_of

SPENT = """
    SELECT agent, sum(tokens), sum(gpu_s), sum(money) FROM (
        SELECT agent, iif(purpose = 'embed', 0, prompt_tokens + completion_tokens) AS tokens, gpu_s,
               money
        FROM calls WHERE at >= :begin AND at < :end
        UNION ALL
        SELECT agent, prompt_tokens + completion_tokens, gpu_s, money FROM days WHERE day = :day
    ) GROUP BY agent
"""


def spent_on(db: sqlite3.Connection, day: date, zone: tzinfo) -> dict[str, Amount]:
    """What each agent spent on a day of the zone, as rows or summed up; of embeddings their time
    alone."""
    place = span(*bounds(day, zone)) | {"day": day.isoformat()}
    return {agent: Amount(*spent) for agent, *spent in db.execute(SPENT, place)}


def bounds(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """When a day of the zone begins and ends, in UTC."""
    return end_of(day - timedelta(days=1), zone), end_of(day, zone)
