"""What was spent on a day."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime, timedelta, tzinfo

from harness.models.ledger.rows import span
from harness.models.limits.amount import Amount
from harness.models.limits.day import end_of

SPENT = (
    "SELECT agent, sum(iif(purpose = 'embed', 0, prompt_tokens + completion_tokens)), sum(gpu_s),"
    " sum(money) FROM calls WHERE at >= :begin AND at < :end GROUP BY agent"
)


def spent_on(db: sqlite3.Connection, day: date, zone: tzinfo) -> dict[str, Amount]:
    """What each agent spent on a day of the zone that still has its rows; of embeddings their
    time alone."""
    begin, end = bounds(day, zone)
    return {
        agent: Amount(tokens, gpu, money)
        for agent, tokens, gpu, money in db.execute(SPENT, span(begin, end))
    }


def bounds(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """When a day of the zone begins and ends, in UTC."""
    return end_of(day - timedelta(days=1), zone), end_of(day, zone)
