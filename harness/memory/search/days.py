"""The days that a question names: "8 May 2023", "in May", "last week", "summer"."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SEASONS = {
    "spring": (3, 5),
    "summer": (6, 8),
    "fall": (9, 11),
    "autumn": (9, 11),
    "winter": (12, 2),
}
COUNTED = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}

_MONTH = "(" + "|".join(f"{m[:3]}(?:{m[3:]})?" for m in MONTHS) + r"|sept)\.?"
_ORDINAL = r"(\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"((?:19|20)\d\d)"
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d{2})(?:-(\d{2}))?(?!\d)")
_DAY_MONTH = re.compile(rf"\b{_ORDINAL}(?: of)? {_MONTH}(?!\w),?(?: {_YEAR})?")
_MONTH_DAY = re.compile(rf"\b{_MONTH} {_ORDINAL}(?![\w:]),?(?: {_YEAR})?")
_MONTH_YEAR = re.compile(rf"\b{_MONTH},?(?: of)? {_YEAR}\b")
_LONE_MONTH = re.compile(rf"\b(?<!last )(?<!next ){_MONTH}(?!\w)")
_MAY_BE = re.compile(r"\b(?:in|during|since|of|until|by|last|this|early|late|mid|from)[ -]$")
_SEASON = re.compile(rf"\b(?:(last|this) )?({'|'.join(SEASONS)})\b(?: (?:of )?{_YEAR})?")
_LONE_YEAR = re.compile(rf"\b(?:in|during|of|since|from|year) {_YEAR}\b")
_NEAR = re.compile(r"\b(today|tonight|yesterday|(?:this|last) (?:week|month|year|weekend))\b")
_WEEKDAY = re.compile(rf"\b(?:last|on|this) ({'|'.join(WEEKDAYS)})\b")
_AGO = re.compile(rf"\b(\d{{1,3}}|{'|'.join(COUNTED)}) (day|week|month|year)s? ago\b")


@dataclass(frozen=True)
class Span:
    """From the first day to the last."""

    first: date
    last: date

    def holds(self, day: date, before: int = 0, after: int = 0) -> bool:
        """Whether a day is in it, or that many days before or after."""
        return self.first - timedelta(before) <= day <= self.last + timedelta(after)


def spans_in(query: str, years: Sequence[int], today: date) -> list[Span]:
    """What a question points at; the narrowest way of saying it counts, empty for none.

    `years`: what a month without a year may be in. Words such as "yesterday" count from `today`.
    """
    text = " ".join(query.casefold().split())
    readings = (exact(text, years), months(text, years), seasons(text, years, today))
    found: list[Span] = [*relative(text, today)]
    for reading in readings:
        if found:
            break
        found = list(reading)
    return list(dict.fromkeys(found or lone_years(text)))


def exact(text: str, years: Sequence[int]) -> Iterator[Span]:
    for iso in _ISO.finditer(text):
        yield from span(int(iso[1]), int(iso[2]), int(iso[3]) if iso[3] else None)
    for rule, at_day, at_month in ((_DAY_MONTH, 1, 2), (_MONTH_DAY, 2, 1)):
        for said in rule.finditer(text):
            for year in [int(said[3])] if said[3] else years:
                yield from span(year, number_of(said[at_month]), int(said[at_day]))


def months(text: str, years: Sequence[int]) -> Iterator[Span]:
    found = False
    for said in _MONTH_YEAR.finditer(text):
        found = True
        yield from span(int(said[2]), number_of(said[1]))
    for said in () if found else _LONE_MONTH.finditer(text):
        ambiguous = said[1] in ("may", "mar", "march", "jan", "sept")
        if not ambiguous or _MAY_BE.search(text[: said.start()]):
            for year in years:
                yield from span(year, number_of(said[1]))


def seasons(text: str, years: Sequence[int], today: date) -> Iterator[Span]:
    for said in _SEASON.finditer(text):
        first, last = SEASONS[said[2]]
        for year in [int(said[3])] if said[3] else years:
            end = year + (last < first)
            yield Span(date(year, first, 1), date(end, last, monthrange(end, last)[1]))


def lone_years(text: str) -> Iterator[Span]:
    for said in _LONE_YEAR.finditer(text):
        yield Span(date(int(said[1]), 1, 1), date(int(said[1]), 12, 31))


def relative(text: str, today: date) -> Iterator[Span]:
    for near in _NEAR.finditer(text):
        yield named(near[1], today)
    for said in _WEEKDAY.finditer(text):
        back = (today.weekday() - WEEKDAYS.index(said[1]) - 1) % 7 + 1
        yield Span(today - timedelta(back), today - timedelta(back))
    for said in _AGO.finditer(text):
        count = int(said[1]) if said[1].isdigit() else COUNTED[said[1]]
        yield ago(count, said[2], today)


def named(words: str, today: date) -> Span:
    monday = today - timedelta(today.weekday())
    first = today.replace(day=1)
    match words:
        case "today" | "tonight":
            return Span(today, today)
        case "yesterday":
            return Span(today - timedelta(1), today - timedelta(1))
        case "this week":
            return Span(monday, today)
        case "last week":
            return Span(monday - timedelta(7), monday - timedelta(1))
        case "this weekend" | "last weekend":
            return Span(monday - timedelta(2), monday - timedelta(1))
        case "this month":
            return Span(first, today)
        case "last month":
            return Span((first - timedelta(1)).replace(day=1), first - timedelta(1))
        case "this year":
            return Span(date(today.year, 1, 1), today)
        case _:
            return Span(date(today.year - 1, 1, 1), date(today.year - 1, 12, 31))


def ago(count: int, unit: str, today: date) -> Span:
    """So many days before, or about so many weeks, months or years."""
    length = {"day": 1, "week": 7, "month": 30, "year": 365}[unit]
    middle = today - timedelta(min(count * length, (today - date(1970, 1, 1)).days))
    loose = timedelta(length // 2)
    return Span(middle - loose, middle + loose)


def number_of(month: str) -> int:
    return next(at for at, name in enumerate(MONTHS, start=1) if name.startswith(month[:3]))


def span(year: int, month: int, day: int | None = None) -> Iterator[Span]:
    """That day or month; nothing when the calendar has no such one."""
    try:
        first = date(year, month, day or 1)
    except ValueError:
        return
    yield Span(first, first if day else date(year, month, monthrange(year, month)[1]))
