"""How long ago a day was, in words."""

from __future__ import annotations

from datetime import date

WEEK = 7
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def age_in_words(day: date, today: date) -> str:
    """`today`, `yesterday`, `3 days ago`, `last week`, `2 weeks ago`, and from four weeks on
    `in March 2026`; a day that is still to come is `on 2026-12-01`."""
    days = (today - day).days
    if days < 0:
        return f"on {day.isoformat()}"
    if days < WEEK:
        return ("today", "yesterday")[days] if days < 2 else f"{days} days ago"
    if days < 4 * WEEK:
        return "last week" if days < 2 * WEEK else f"{days // WEEK} weeks ago"
    return f"in {MONTHS[day.month - 1]} {day.year}"
