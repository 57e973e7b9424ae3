"""The five fields of a cron line: what each may hold, and what is wrong with it, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class CronlineError(ValueError):
    """A line that cron would not take, or that would never fire.

    `offset` and `width` mark the characters of the line that are meant.
    """

    def __init__(self, message: str, offset: int, width: int, hint: str | None = None) -> None:
        super().__init__(message)
        self.offset = offset
        self.width = max(width, 1)
        self.hint = hint


@dataclass(frozen=True)
class Field:
    """What one of the five positions may hold."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()  # the first stands for `low`


FIELDS = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of the month", 1, 31),
    Field("month", 1, 12, MONTHS),
    Field("weekday", 0, 7, DAYS),  # 0 and 7 are both Sunday
)


@dataclass(frozen=True)
class Piece:
    """Some characters of a line, and where in it they stand."""

    text: str
    offset: int

    def split(self, mark: str) -> list[Piece]:
        pieces, offset = [], self.offset
        for text in self.text.split(mark):
            pieces.append(Piece(text, offset))
            offset += len(text) + len(mark)
        return pieces

    def error(self, message: str, hint: str | None = None) -> CronlineError:
        return CronlineError(message, self.offset, len(self.text), hint)


def split_line(line: str) -> list[Piece]:
    """The five fields of a line or of the nickname it is. Raises CronlineError."""
    words = [Piece(match.group(), match.start()) for match in re.finditer(r"\S+", line)]
    if not words:
        raise CronlineError("the cron line is empty", 0, 1, "write five fields: `30 7 * * 1-5`")
    if words[0].text.startswith("@"):
        return _nickname(words)
    if len(words) > len(FIELDS):
        hint = "there is no field for seconds or years; below a minute use `every: 30s`"
        raise words[len(FIELDS)].error(f"a cron line has five fields, not {len(words)}", hint)
    if len(words) < len(FIELDS):
        raise CronlineError(
            f"a cron line has five fields, not {len(words)}",
            words[0].offset,
            len(line.strip()),
            "they are: minute hour day-of-month month weekday",
        )
    return words


def parse_field(piece: Piece, field: Field) -> frozenset[int]:
    """The values that a field allows; Sunday is 0. Raises CronlineError."""
    values: set[int] = set()
    for item in piece.split(","):
        values.update(_item(item, field))
    if field.names is DAYS and 7 in values:
        values = {value % 7 for value in values}
    return frozenset(values)


def _nickname(words: list[Piece]) -> list[Piece]:
    nickname, *rest = words
    name = nickname.text.lower()
    if name == "@reboot":
        raise nickname.error("@reboot names no time, so it is no slot", "use `cron`, `every`, `at`")
    if name not in NICKNAMES:
        near = get_close_matches(name, NICKNAMES, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(NICKNAMES)}"
        raise nickname.error(f"unknown nickname `{nickname.text}`", hint)
    if rest:
        raise rest[0].error(f"nothing may follow `{nickname.text}`")
    return [Piece(text, nickname.offset) for text in NICKNAMES[name].split()]


def _item(item: Piece, field: Field) -> range:
    """One item of a list: `*`, `5`, `mon-fri`, each perhaps with a step."""
    _refuse_quartz(item, field)
    span, *step = item.split("/")
    if len(step) > 1:
        raise item.error(f"`{item.text}` has more than one step")
    low, high = _span(span, field, open_ended=bool(step))
    return range(low, high + 1, _step(step[0], field) if step else 1)


def _span(span: Piece, field: Field, *, open_ended: bool) -> tuple[int, int]:
    if span.text == "*":
        return field.low, field.high
    ends = span.split("-")
    if len(ends) > 2:
        raise span.error(f"`{span.text}` is no range")
    first = _value(ends[0], field)
    if len(ends) == 1:
        return first, field.high if open_ended else first  # `5/15` runs on to the end
    last = _value(ends[1], field)
    if last < first:
        raise span.error(f"the range `{span.text}` runs backwards", _forwards(ends, field, last))
    return first, last


def _forwards(ends: list[Piece], field: Field, last: int) -> str:
    """The same range as two that run upwards."""
    low = 1 if field.names is DAYS else field.low
    tail = f"{low}-{ends[1].text}" if last > low else f"{last}"
    rest = "" if last < low else f",{tail}"  # sunday as 0 is in the first part, as 7
    return f"did you mean `{ends[0].text}-{field.high}{rest}`?"


def _step(step: Piece, field: Field) -> int:
    if not _is_number(step.text) or int(step.text) == 0:
        raise step.error(f"`{step.text}` is no step", "a step is a number from 1 up")
    if int(step.text) > field.high:
        hint = "a step starts anew with each hour, day or month; for a fixed period use `every`"
        raise step.error(f"step {step.text} is longer than the {field.name} runs", hint)
    return int(step.text)


def _value(piece: Piece, field: Field) -> int:
    name = piece.text.lower()
    if name in field.names:
        return field.names.index(name) + field.low
    if not _is_number(piece.text):
        raise piece.error(*_not_a_number(piece.text, field))
    value = int(piece.text)
    if not field.low <= value <= field.high:
        message = f"{field.name} {piece.text} is out of range ({field.low}-{field.high})"
        raise piece.error(message, _near(value, field))
    return value


def _near(value: int, field: Field) -> str | None:
    """24 and 60 mean the start of the next; of a two-digit hour the last digit is likely."""
    if field.low == 0 and value == field.high + 1 and not field.names:
        return "did you mean `0`?"
    if field.name == "hour" and value < 100:
        return f"did you mean `{value % 10}`?"
    return None


def _not_a_number(text: str, field: Field) -> tuple[str, str | None]:
    if not text:
        return f"a {field.name} is missing", None
    near = get_close_matches(text.lower(), field.names, n=1) or get_close_matches(
        text.lower()[:3], field.names, n=1
    )
    return f"`{text}` is no {field.name}", f"did you mean `{near[0]}`?" if near else None


def _refuse_quartz(item: Piece, field: Field) -> None:
    """Other schedulers' marks mean nothing to cron; say so rather than guess."""
    text = item.text.lower()
    if text == "?":
        raise item.error("`?` is not known to cron", "use `*`")
    if "#" in text:
        raise item.error(
            f"`{item.text}`: cron knows no nth weekday of a month",
            "list the days it can fall on, as in `0 9 1-7 * *`, and let the prompt check",
        )
    if re.fullmatch(r"l|lw|l-\d+|\d+w|\d+l|w", text):
        raise item.error(f"`{item.text}`: cron knows no `L` and no `W`", "list the days instead")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
