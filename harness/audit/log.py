"""The audit as a writer has it: find the end, repair it, chain on, rotate, prune.

Any number of processes write; each append holds the folder's lock. A line is on the disk
(fsync) before the head is, and the head (fsync) before the append returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from harness.audit.files import (
    Head,
    append,
    day_of,
    file_after,
    log_files,
    read_head,
    write_head,
)
from harness.audit.line import (
    BEGINNING,
    DETAILS_LIMIT,
    GAP,
    HEAD_LOST,
    PRUNED,
    RAW_LIMIT,
    REPAIRED,
    Deed,
    Line,
    Link,
    canonical,
    clipped,
    line_of,
    next_line,
)
from harness.files import locked, sync_folder
from harness.text.secrets import Redactor

AUDIT = "audit"  # the actor of what the log says of itself


@dataclass(frozen=True)
class Sizes:
    """When a new file begins, and how much is kept."""

    file: int = 4 * 1024 * 1024
    whole: int = 64 * 1024 * 1024
    files: int = 1000  # a file a day, on a quiet house


@dataclass(frozen=True)
class End:
    """Where the log ends, and what has to be said of it before it goes on."""

    path: Path | None
    link: Link
    owed: tuple[Deed, ...] = ()
    torn: bool = False  # the last line has no end yet


class AuditLog:
    """Appends deeds to the audit in a folder."""

    def __init__(self, folder: Path, redactor: Redactor, sizes: Sizes | None = None) -> None:
        self.folder = folder
        self.redactor = redactor
        self.sizes = sizes or Sizes()

    def append(self, deeds: Sequence[Deed]) -> None:
        """Write deeds, redacted and clipped, in their order; durable when this returns.

        Raises OSError, and then nothing of them counts as written.
        """
        if not deeds:
            return
        clean = [self.cleaned(deed) for deed in deeds]
        with locked(self.folder):
            end = find_end(self.folder, at=deeds[0].at)
            path = self.file_for(end.path, deeds[-1].at)
            old = self.prunable() if path != end.path else []
            told = [told_pruned(old, deeds[0].at)] if old else []
            self.write(path, end, [*end.owed, *told, *clean])
            for each in old:
                each.path.unlink(missing_ok=True)

    def write(self, path: Path, end: End, deeds: Sequence[Deed]) -> None:
        fresh = not path.exists()
        link, raw = end.link, b"\n" if end.torn and not fresh else b""
        for deed in deeds:
            line = next_line(link, deed)
            link, raw = line.link, raw + line.raw() + b"\n"
        append(path, raw)
        if fresh:
            sync_folder(self.folder)
        write_head(self.folder, Head(link.seq, link.hash, path.name, path.stat().st_size))

    def cleaned(self, deed: Deed) -> Deed:
        """Without secrets first, cut after that: half a secret has lost its shape."""
        details = clipped(self.redactor.value(clipped(deed.details, limit=RAW_LIMIT)))
        if (size := len(canonical(details))) > DETAILS_LIMIT:
            details = {"too_long": size}
        return replace(
            deed,
            actor=clipped(self.redactor.text(deed.actor)),
            target=clipped(self.redactor.text(deed.target)) if deed.target is not None else None,
            details=details,
        )

    def file_for(self, current: Path | None, at: str) -> Path:
        """Where the next lines go: on in `current`, or in a new file."""
        day = datetime.fromisoformat(at).date()
        if (
            current is None
            or not current.exists()
            or day.isoformat() > day_of(current)
            or current.stat().st_size >= self.sizes.file
        ):
            newest = next(reversed(log_files(self.folder)), current)
            return self.folder / file_after(newest, day)
        return current

    def prunable(self) -> list[Old]:
        """The oldest files, while there is more than the limits allow beside a new one."""
        files = log_files(self.folder)
        total = sum(path.stat().st_size for path in files)
        old: list[Old] = []
        for path, following in pairwise(files):
            first = first_line(following)
            room = total + self.sizes.file <= self.sizes.whole
            if first is None or (room and len(files) - len(old) < self.sizes.files):
                break
            old.append(Old(path, Link(first.seq - 1, first.prev)))
            total -= path.stat().st_size
        return old


@dataclass(frozen=True)
class Old:
    """A file that is to go, and its last place in the chain."""

    path: Path
    last: Link


def told_pruned(old: Sequence[Old], at: str) -> Deed:
    """The anchor: with it the log vouches for itself from behind the removed files on."""
    removed = [{"file": each.path.name, **vars(each.last)} for each in old]
    return Deed(at, AUDIT, PRUNED, None, {"removed": removed})


def find_end(folder: Path, at: str) -> End:
    """Where the chain goes on, and what the writer has to record of the state it met."""
    head, files = read_head(folder), log_files(folder)
    newest = files[-1] if files else None
    if head is None:
        return end_without_head(newest, at)
    known = folder / head.file
    size = known.stat().st_size if known.exists() else 0
    if size < head.size:
        missing = Deed(at, AUDIT, GAP, head.file, {"known_to": head.seq, "bytes_left": size})
        return End(newest, head.link, (missing,), ends_torn(newest))
    rest = bytes_behind(known, head.size)
    for later in files[files.index(known) + 1 :]:  # begun just before a crash
        rest = rest.rstrip(b"\n") + b"\n" + later.read_bytes() if rest else later.read_bytes()
    return end_behind(head.link, rest, newest, at)


def bytes_behind(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read()


def end_without_head(newest: Path | None, at: str) -> End:
    """The log goes on behind its last whole line, and says that its end is not known."""
    if newest is None:
        return End(None, BEGINNING)
    end = end_behind(BEGINNING, newest.read_bytes(), newest, at)
    lost = Deed(at, AUDIT, HEAD_LOST, newest.name, {"goes_on_behind": end.link.seq})
    return replace(end, owed=(lost, *end.owed))


def end_behind(link: Link, rest: bytes, newest: Path | None, at: str) -> End:
    """The end, when `rest` is what lies behind the head: a crash may have come between a line
    and the head, or in the middle of a line."""
    torn: dict[str, int] = {}
    for raw in filter(None, rest.split(b"\n")):
        line = line_of(raw)
        if line is None:
            torn[sha256(raw).hexdigest()] = len(raw)
            continue
        link = line.link
        if line.action == REPAIRED:
            torn.pop(str(line.details.get("sha256")), None)
    owed = (
        Deed(at, AUDIT, REPAIRED, None, {"sha256": digest, "bytes": length})
        for digest, length in torn.items()
    )
    return End(newest, link, tuple(owed), bool(rest) and not rest.endswith(b"\n"))


def ends_torn(path: Path | None) -> bool:
    return path is not None and path.read_bytes()[-1:] not in {b"", b"\n"}


def first_line(path: Path) -> Line | None:
    with path.open("rb") as file:
        return line_of(file.readline().rstrip(b"\n"))
