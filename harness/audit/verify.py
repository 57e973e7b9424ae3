"""Whether the audit is what was written: every line, every link, every file, and the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from harness.audit.files import Snapshot, snapshot
from harness.audit.line import (
    BEGINNING,
    GAP,
    HEAD_LOST,
    LOST,
    PRUNED,
    REPAIRED,
    Line,
    Link,
    line_of,
)


@dataclass(frozen=True)
class Finding:
    """One place where the log is not what was written. Lines count from 1 in their file."""

    file: str
    line: int
    message: str


@dataclass(frozen=True)
class Report:
    """What can be said of the log as it lies there."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]  # worth knowing, and no sign of a change
    files: int
    lines: int
    first: Line | None  # from here on the log can vouch for itself
    last: Line | None

    @property
    def ok(self) -> bool:
        return not self.findings


def verify(folder: Path, known: str | None = None) -> Report:
    """Check the audit in `folder`, beside its writers. `known` is a hash that somebody noted
    earlier: a line must have it, which no rewriting of the whole log achieves. Raises OSError."""
    with snapshot(folder) as log:
        walk = Walk()
        for piece in log.pieces:
            for number, raw in enumerate(piece.lines(), start=1):
                walk.take(piece.name, number, raw)
        walk.judge_start()
        walk.judge_torn()
        walk.judge_end(log)
        if known is not None and known not in walk.hashes:
            walk.find(
                "-", 0, f"no line has the hash {known}: the log was replaced, or pruned since"
            )
    return Report(
        tuple(sorted(walk.findings, key=lambda found: (found.file, found.line))),
        tuple(walk.notes),
        len(log.pieces),
        walk.lines,
        walk.first,
        walk.last,
    )


@dataclass
class Walk:
    """What is known after each line, from the first to the last."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lines: int = 0
    first: Line | None = None
    last: Line | None = None
    place: tuple[str, int] = ("-", 0)  # of the first line
    hashes: dict[str, int] = field(default_factory=dict)  # to their seq
    anchors: set[Link] = field(default_factory=lambda: {BEGINNING})
    torn: dict[str, tuple[str, int, bool]] = field(default_factory=dict)  # sha256 to its place
    repaired: set[str] = field(default_factory=set)

    def find(self, file: str, number: int, message: str) -> None:
        self.findings.append(Finding(file, number, message))

    def take(self, file: str, number: int, raw: bytes) -> None:
        """One more line, in the order of the files."""
        self.lines += 1
        ended = raw.endswith(b"\n")
        line = line_of(raw.removesuffix(b"\n"))
        if line is None:
            digest = sha256(raw.removesuffix(b"\n")).hexdigest()
            self.torn[digest] = (file, number, ended)
            return
        if self.last is None:
            self.first, self.place = line, (file, number)
        else:
            self.compare(self.last, line, file, number)
        self.last = line
        self.hashes[line.hash] = line.seq
        self.hear(line, file, number)

    def compare(self, before: Line, line: Line, file: str, number: int) -> None:
        if line.seq > before.seq + 1:
            lost = f"{before.seq + 1} to {line.seq - 1}"
            self.find(file, number, f"lines {lost} before line {line.seq} are missing or changed")
        elif line.seq <= before.seq:
            self.find(
                file, number, f"line {line.seq} stands behind line {before.seq}: not in order"
            )
        elif line.prev != before.hash:
            self.find(file, number, f"line {line.seq} does not follow from the line before it")

    def hear(self, line: Line, file: str, number: int) -> None:
        """What the log says of itself."""
        match line.action:
            case action if action == REPAIRED:
                self.repaired.add(str(line.details.get("sha256")))
            case action if action == PRUNED:
                self.anchors |= set(anchors_of(line))
            case action if action == GAP:
                self.find(file, number, f"at line {line.seq} a writer met a log that was cut off")
            case action if action == HEAD_LOST:
                self.find(file, number, f"at line {line.seq} the head was gone: lines may be too")
            case action if action == LOST:
                count = line.details.get("lines")
                self.notes.append(f"{count} lines before line {line.seq} could not be written")

    def judge_start(self) -> None:
        """The first line must be the first of all, or follow from files that were pruned."""
        if self.first and Link(self.first.seq - 1, self.first.prev) not in self.anchors:
            message = (
                f"the log begins with line {self.first.seq}: lines before it are gone or changed"
            )
            self.find(*self.place, message)

    def judge_torn(self) -> None:
        """A line that is none was torn by a crash, if a writer recorded it; else it was changed."""
        for digest, (file, number, ended) in self.torn.items():
            if digest in self.repaired:
                continue
            if ended:
                self.find(file, number, "this line was changed")
            else:
                self.notes.append(f"{file}:{number}: torn by a crash; the next writer repairs it")

    def judge_end(self, log: Snapshot) -> None:
        """Lines behind the head are new; lines missing before it were cut off."""
        if self.last is None and not self.torn and log.head_bytes is None:
            return
        file = log.pieces[-1].name if log.pieces else "-"
        if log.head is None:
            gone = "cannot be read" if log.head_bytes is not None else "is missing"
            self.find(file, self.lines, f"head.json {gone}: whether the end was cut off is unknown")
        elif self.hashes.get(log.head.hash) != log.head.seq:
            self.find(file, self.lines, f"the log once had line {log.head.seq}: its end is cut off")


def anchors_of(line: Line) -> Iterator[Link]:
    removed: Any = line.details.get("removed")
    for each in removed if isinstance(removed, list) else []:
        if isinstance(each, dict) and isinstance(each.get("seq", -1), int):
            yield Link(each.get("seq", -1), str(each.get("hash")))


def shape(line: Line) -> dict[str, Any]:
    """The line as a document."""
    return json.loads(line.raw())  # type: ignore[no-any-return]
