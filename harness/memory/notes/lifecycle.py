"""Putting notes away: what has expired, says the same as a newer note, or has faded.

Only lines that the tool `memory` wrote into the logs of the day are looked at, and only as long as
nobody touched them: what a person wrote stays. Nothing is thrown away. A line goes to
`.archive/YYYY.md` first and leaves its log then, so that a crash in between leaves it in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path

from harness.config.home import Home
from harness.config.settings import MemorySettings
from harness.errors import HarnessError
from harness.files import LinkRefused, locked, make_folder, read_exact, revise
from harness.memory.expiry import expiry_told
from harness.memory.history import note as note_in_git
from harness.memory.lessons.lines import lines_of, newline_of
from harness.memory.notes.strength import strength_on
from harness.memory.notes.uses import NEVER, Use, Uses, key_of
from harness.text.marks import sources_of
from harness.text.words import words

SHARE = 4  # no more than the fourth part of an agent's notes goes in one run
LONGEST = 4_000  # characters of a line that the tool may have written
DAYS = 4_000  # logs that are looked at, the newest
ALSO = 5  # days that a line names on which it was said too
ARTICLES = frozenset(["a", "an", "the"])
_LOG = re.compile(r"\d{4}-\d\d-\d\d\.md")
_NOTE = re.compile(r"- \d\d:\d\dZ \S.*")
_ALSO = re.compile(r" \(also (\d{4}-\d\d-\d\d(?:, \d{4}-\d\d-\d\d)*)\)")
_COMMENT = re.compile(r"<!--.*?-->")
_AWAY = " <!-- put away "


class Vanished(HarnessError):
    """The file was removed between looking at it and changing it."""


class Why(StrEnum):
    """What a line was put away for, in the order in which lines go."""

    EXPIRED = "expired"
    SAID_AGAIN = "said again"  # a newer note says the same
    FADED = "faded"


@dataclass(frozen=True)
class Note:
    """A line of a log that the tool `memory` wrote."""

    path: Path
    day: date
    text: str  # without the end of the line

    @property
    def key(self) -> tuple[object, ...]:
        """Two notes with the same one say the same: in the same words but for articles, case and
        signs, after reading the same strangers."""
        said = _COMMENT.sub(" ", _ALSO.sub("", self.text))[len("- 00:00Z ") :]
        telling = tuple(word for word in words(said) if word not in ARTICLES)
        return (telling or said.strip(), tuple(sources_of(self.text)))


@dataclass(frozen=True)
class Gone:
    """A note that is put away, and why."""

    note: Note
    why: Why
    because: str  # in words, for the archive
    strength: float
    successor: Note | None = None  # the newer note that says the same

    @property
    def order(self) -> tuple[int, float, date]:
        return (list(Why).index(self.why), self.strength, self.note.day)


@dataclass(frozen=True)
class Tidied:
    """What a run did."""

    notes: int  # that there were
    gone: tuple[Gone, ...] = ()
    left: int = 0  # that would have gone, had they not been too many for one run

    def count(self, why: Why) -> int:
        return sum(each.why is why for each in self.gone)


def tidy(home: Home, agent: str, settings: MemorySettings, now: datetime) -> Tidied:
    """Put away an agent's notes that have expired, are said again or have faded, the weakest first
    and at most a quarter of all notes, and make a commit of it where `memory.git` says so.

    Reads and writes files: call it off the event loop. Raises HarnessError, OSError.
    """
    folder, today = home.memory(agent), now.astimezone(UTC).date()
    if not folder.is_dir():
        return Tidied(0)
    with locked(folder):
        notes = [note for path in logs(folder) for note in notes_in(path)]
        wanted = sorted(leaving(notes, settings, Uses(home).read(), today), key=lambda g: g.order)
        gone = wanted[: len(notes) // SHARE]
        archive = put_away(folder, gone, today) if gone else None
        changed = take_out(gone)
    if archive is not None:
        message = f"Put away {len(gone)} notes of {agent}"
        note_in_git(home, [archive, *changed], message, git=settings.git)
    return Tidied(len(notes), tuple(gone), len(wanted) - len(gone))


def leaving(
    notes: Sequence[Note], settings: MemorySettings, uses: Mapping[str, Use], today: date
) -> Iterator[Gone]:
    """Pure: every note that has to go, with the first reason that it has."""
    newest = {note.key: note for note in notes}  # they come in the order of their days
    for note in notes:
        use = uses.get(key_of(note.text), NEVER)
        now = strength_on(today, note.day, settings.half_life.notes, use.count, use.last)
        expires = expiry_told(note.text)
        successor = newest[note.key]
        if expires is not None and expires < today:
            yield Gone(note, Why.EXPIRED, f"expired {expires}", now)
        elif successor != note:
            yield Gone(note, Why.SAID_AGAIN, f"said again {successor.day}", now, successor)
        elif now < settings.forget_below:
            yield Gone(note, Why.FADED, f"faded to {now:.3f}", now)


def logs(folder: Path) -> list[Path]:
    found = (path for path in folder.glob("*.md") if _LOG.fullmatch(path.name))
    return [path for path in sorted(found) if path.is_file() and not path.is_symlink()][-DAYS:]


def notes_in(path: Path) -> Iterator[Note]:
    """The lines of the tool. One with a line of its own below it was touched by a person."""
    try:
        day = date.fromisoformat(path.stem)
    except ValueError:
        return
    lines = lines_of(read_exact(path) or "")
    for line, below in zip(lines, [*(each.text for each in lines[1:]), ""], strict=True):
        untouched = not below.startswith((" ", "\t"))
        if (
            not line.fenced
            and untouched
            and len(line.text) <= LONGEST
            and _NOTE.fullmatch(line.text)
        ):
            yield Note(path, day, line.text)


def put_away(folder: Path, gone: Iterable[Gone], today: date) -> Path:
    """Write what goes to the archive of the year, each line once. Raises LinkRefused."""
    archive = folder / ".archive" / f"{today:%Y}.md"
    if archive.parent.is_symlink():
        raise LinkRefused(f"{archive.parent} is a symbolic link and is not followed")
    make_folder(archive.parent)
    revise(archive, lambda before: archived(before, gone, today))
    return archive


def archived(before: str | None, gone: Iterable[Gone], today: date) -> str:
    text = before or f"# Put away in {today:%Y}\n\n"
    known = {line.text.partition(_AWAY)[0] for line in lines_of(text)}
    newline = newline_of(text)
    for each in gone:
        said = f"- {each.note.day} {each.note.text[2:]}"
        if said not in known:
            text += f"{said}{_AWAY}{today}: {each.because} -->{newline}"
    return text


def take_out(gone: Sequence[Gone]) -> list[Path]:
    """Take them out of their logs, and name their days where the same is said; the files that
    were changed. A log that a person removed meanwhile stays removed."""
    also: dict[Note, list[date]] = {}
    for each in gone:
        if each.successor is not None:
            also.setdefault(each.successor, []).extend([each.note.day, *days_in(each.note.text)])
    leaving = {each.note for each in gone}
    changes: dict[Path, dict[str, str | None]] = {}
    for note in leaving:
        changes.setdefault(note.path, {})[note.text] = None
    for note, days in also.items():
        if note not in leaving:
            changes.setdefault(note.path, {})[note.text] = with_days(note, days)
    for path, lines in changes.items():
        with suppress(Vanished):
            revise(path, replaced(lines))
    return sorted(changes)


def replaced(lines: Mapping[str, str | None]) -> Callable[[str | None], str]:
    """A change that puts other lines, or none, in the place of these, wherever they stand now."""

    def change(before: str | None) -> str:
        if before is None:
            raise Vanished("the log was removed a moment ago")
        found = lines_of(before)
        kept = [before[: found[0].start] if found else ""]  # a byte order mark
        for line in found:
            new = lines.get(line.text, line.text)
            if new is not None:
                kept.append(new + before[line.stop : line.end])
        return "".join(kept)

    return change


def days_in(text: str) -> list[date]:
    found = _ALSO.search(text)
    return [date.fromisoformat(day) for day in found[1].split(", ")] if found else []


def with_days(note: Note, days: Iterable[date]) -> str:
    """The line with the days on which it was said too, the newest of them, before its comments."""
    others = sorted({*days, *days_in(note.text)} - {note.day})[-ALSO:]
    bare = _ALSO.sub("", note.text)
    said, mark, comments = bare.partition(" <!--")
    told = f" (also {', '.join(map(str, others))})" if others else ""
    return f"{said.rstrip()}{told}{mark}{comments}"
