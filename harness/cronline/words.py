"""A schedule in words, short enough for one column of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
LISTED_TIMES = 6  # more than these are told by hour and minute


@dataclass(frozen=True)
class Schedule:
    """The values that the five fields allow."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # Sunday is 0
    both_days: bool  # date and weekday must both fit, else one of them is enough


def describe(schedule: Schedule) -> str:
    """`at 07:30, Monday to Friday`; `every 15 minutes`; `at 00:00 on day 1 of the month`."""
    words = _times(schedule.minutes, schedule.hours) + _dates(schedule)
    if len(schedule.months) < len(MONTHS):
        words += " in " + _runs(sorted(schedule.months), lambda month: MONTHS[month - 1])
    return words


def _times(minutes: Sequence[int], hours: Sequence[int]) -> str:
    period = _period(minutes, 60)
    if len(minutes) == 60:
        return "every minute" + _hours(hours, "of hour")
    if len(minutes) > 1 and period:
        return f"every {period} minutes" + _hours(hours, "of hour")
    if len(minutes) * len(hours) <= LISTED_TIMES:
        clock = [f"{hour:02}:{minute:02}" for hour in hours for minute in minutes]
        return "at " + _joined(clock)
    past = "at " + _joined([f":{minute:02}" for minute in minutes])
    step = _period(hours, 24)
    if step and step > 1:
        return f"{past} every {step} hours"
    return past + (_hours(hours, "past hour") or " past every hour")


def _hours(hours: Sequence[int], before: str) -> str:
    if len(hours) == 24:
        return ""
    return f" {before} " + _runs(hours, lambda hour: f"{hour:02}")


def _dates(schedule: Schedule) -> str:
    all_days, all_weekdays = len(schedule.days) == 31, len(schedule.weekdays) == 7
    by_date = "on day " + _runs(sorted(schedule.days), str) + " of the month"
    by_weekday = _weekdays(schedule.weekdays)
    if (all_days and all_weekdays) or (not schedule.both_days and (all_days or all_weekdays)):
        return ""
    if all_days:
        return f", {by_weekday}"
    if all_weekdays:
        return f" {by_date}"
    return f" {by_date} {'if it is' if schedule.both_days else 'or on'} {by_weekday}"


def _weekdays(values: Iterable[int]) -> str:
    from_monday = sorted(values, key=lambda day: (day - 1) % 7)
    places = [(day - 1) % 7 for day in from_monday]
    return _runs(places, lambda place: WEEKDAYS[(place + 1) % 7])


def _period(values: Sequence[int], whole: int) -> int | None:
    """The step with which the values fill the whole evenly from 0, if there is one."""
    step, rest = divmod(whole, len(values))
    return step if not rest and list(values) == list(range(0, whole, step)) else None


def _runs(values: Iterable[int], name: Callable[[int], str]) -> str:
    """`1 to 5, 9 and 12`: neighbours joined when there are three or more."""
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    told: list[str] = []
    for run in runs:
        if len(run) > 2:
            told.append(f"{name(run[0])} to {name(run[-1])}")
        else:
            told += [name(value) for value in run]
    return _joined(told)


def _joined(parts: Sequence[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    return ", ".join(parts[:-1]) + " and " + parts[-1]
