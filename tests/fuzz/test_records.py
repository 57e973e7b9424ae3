"""What the house wrote itself, and what became of it: transcripts, audit, backups, the lock."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.audit.line import BEGINNING, Deed, Line, canonical, hash_of, line_of, next_line
from harness.audit.verify import verify
from harness.backup.manifest import BackupRefused, belongs, differences, read_manifest
from harness.backup.unpack import unpack
from harness.db.integrity import Damaged, check_whole
from harness.errors import HarnessError
from harness.session.line import UNREADABLE, plain, step_of
from harness.session.transcript import read_transcript
from tests.fuzz.effort import EFFORT, bounded
from tests.fuzz.strategies import as_bytes, damaged, odd_json, odd_text

SAMPLES = (
    {"type": "turn", "turn": 1, "prompt_tokens": 10},
    {"type": "call", "turn": 1, "id": "1", "name": "rss", "arguments": {"limit": 3}},
    {"type": "result", "turn": 1, "call_id": "1", "name": "rss", "text": "News."},
    {
        "type": "reply",
        "turn": 1,
        "message": {"role": "assistant", "content": "Hi.", "tool_calls": []},
        "usage": {"prompt": 1, "completion": 1, "estimated": False},
        "model": "m",
        "timings": {},
    },
    {
        "type": "ended",
        "reason": "completed",
        "outcome": "done",
        "result": {"text": "Done.", "artifacts": [], "tokens": {}},
    },
)


@st.composite
def altered(draw: st.DrawFn, samples: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """A record with other values at some of its keys, at any depth of it."""
    record: dict[str, Any] = json.loads(json.dumps(draw(st.sampled_from(samples))))
    place = record
    while draw(st.booleans()) and (below := [v for v in place.values() if isinstance(v, dict)]):
        place = draw(st.sampled_from(below))
    for key in draw(st.lists(st.sampled_from([*place, "new"]), max_size=3)):
        if draw(st.booleans()):
            place[key] = draw(odd_json)
        else:
            place.pop(key, None)
    return record


@EFFORT
@given(line=altered(SAMPLES))
def test_any_line_of_a_transcript_is_a_step_or_none(line: dict[str, Any]) -> None:
    with bounded():
        try:
            step = step_of(line)
        except UNREADABLE:
            return

        assert plain(step)["type"] == line["type"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records")


HEADER = '{"type": "session", "task": "t", "agent": "scout", "attempt": 1, "model": "m"}\n'
TRANSCRIPT = HEADER + "".join(json.dumps(line) + "\n" for line in SAMPLES)


@EFFORT
@given(content=as_bytes(damaged([TRANSCRIPT])))
@example((HEADER + "[" * 100_000).encode())
def test_any_transcript_is_read_as_far_as_it_goes(folder: Path, content: bytes) -> None:
    path = folder / "t-1.jsonl"
    path.write_bytes(content)

    with bounded():
        try:
            recorded = read_transcript(path)
        except HarnessError:
            return

    assert len(recorded.steps) <= content.count(b"\n") + 1


def chain(count: int) -> list[bytes]:
    lines, link = [], BEGINNING
    for number in range(count):
        line = next_line(link, Deed("2026-01-01", "daemon", "tool.called", None, {"n": number}))
        lines.append(line.raw())
        link = line.link
    return lines


AUDIT = b"\n".join(chain(5)).decode() + "\n"


@EFFORT
@given(raw=st.one_of(as_bytes(damaged([AUDIT])), odd_json.map(lambda v: json.dumps(v).encode())))
def test_any_bytes_are_a_line_of_the_audit_or_none(raw: bytes) -> None:
    for piece in raw.split(b"\n"):
        with bounded():
            line = line_of(piece)

        assert line is None or line.raw() == piece


@EFFORT
@given(values=altered(tuple(json.loads(raw) for raw in chain(3))))
def test_any_line_with_a_fitting_hash_is_sound_or_none(values: dict[str, Any]) -> None:
    values.pop("hash", None)
    raw = canonical(values | {"hash": hash_of(values)})

    line = line_of(raw)

    if line is not None:
        assert isinstance(line, Line)
        assert hash(line.link)
        assert all(isinstance(text, str) for text in (line.at, line.actor, line.action, line.prev))


@EFFORT
@given(content=as_bytes(damaged([AUDIT])), head=st.one_of(st.binary(), as_bytes(odd_text)))
def test_any_audit_can_be_judged(folder: Path, content: bytes, head: bytes) -> None:
    place = folder / "audit"
    place.mkdir(exist_ok=True)
    (place / "00000001-2026-01-01.jsonl").write_bytes(content)
    (place / "head.json").write_bytes(head)

    with bounded():
        report = verify(place)

    assert not report.ok  # that head knows nothing of these lines
    assert (place / "00000001-2026-01-01.jsonl").read_bytes() == content


MANIFEST = {
    "made_at": "2026-01-01",
    "version": "0.1.0",
    "home": "/home/harness",
    "schema": None,
    "tasks": {"final": 1},
    "in_flight": [],
    "members": [{"name": "cron.yaml", "size": 9, "sha256": "0" * 64}],
    "format": 1,
}


@EFFORT
@given(
    text=st.one_of(
        altered((MANIFEST,)).map(lambda values: json.dumps(values).encode()),
        odd_json.map(lambda value: json.dumps(MANIFEST | {"members": value}).encode()),
        odd_json.map(
            lambda value: json.dumps(
                MANIFEST | {"members": [{"name": value, "size": 1, "sha256": ""}]}
            ).encode()
        ),
        st.binary(),
    )
)
def test_any_manifest_is_read_or_refused(text: bytes) -> None:
    with bounded():
        try:
            manifest = read_manifest(text)
        except BackupRefused:
            return

        assert differences(manifest, manifest.members) == []


parts = st.one_of(
    st.sampled_from(["..", ".", "", "/", "agents", ".harness", "harness.db", "cron.yaml", "\0"]),
    odd_text,
)
names = st.lists(parts, max_size=5).map("/".join)


@EFFORT
@given(name=names)
@example("agents/../../escape")
@example("/agents/x")
def test_whatever_belongs_in_a_home_stays_in_it(name: str) -> None:
    if belongs(name):
        assert (Path("/home/h") / name).resolve().is_relative_to("/home/h")
        assert ".." not in name.split("/")


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    """A packed archive with members of any name and any kind, and perhaps some damage."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in draw(st.lists(names, max_size=4)):
            entry = tarfile.TarInfo(name.encode("utf-8", "replace").decode().replace("\0", "0"))
            entry.type = draw(st.sampled_from([tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE]))
            entry.linkname = "/etc/passwd"
            content = draw(st.binary())
            entry.size = len(content) if entry.type == tarfile.REGTYPE else 0
            tar.addfile(entry, io.BytesIO(content))
        if draw(st.booleans()):
            text = draw(altered((MANIFEST,)).map(lambda values: json.dumps(values).encode()))
            entry = tarfile.TarInfo("manifest.json")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
    archive = bytearray(raw.getvalue())
    for place in draw(st.lists(st.integers(0, len(archive) - 1), max_size=3)):
        archive[place] ^= draw(st.integers(1, 255))
    packed = gzip.compress(bytes(archive), mtime=0)
    return draw(st.sampled_from([packed, packed[: len(packed) // 2], bytes(archive)]))


@EFFORT
@given(content=st.one_of(archives(), st.binary()))
def test_no_archive_writes_outside_its_folder(folder: Path, content: bytes) -> None:
    place = folder / "unpacking"
    place.mkdir(exist_ok=True)
    file, target = place / "backup.tgz", place / "inner" / "home"
    target.parent.mkdir()
    file.write_bytes(content)

    try:
        with bounded(), pytest.raises(HarnessError):
            unpack(file, target)
        assert {path.name for path in place.iterdir()} == {"backup.tgz", "inner"}
        assert [path.name for path in target.parent.iterdir()] == ["home"]
        assert not any(path.is_symlink() for path in target.rglob("*"))
    finally:
        remove(target.parent)


def remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    folder.rmdir()


@EFFORT
@given(
    content=st.one_of(st.binary(min_size=1), st.binary().map(lambda b: b"SQLite format 3\0" + b))
)
def test_any_bytes_in_the_place_of_the_database_are_told_and_kept(
    folder: Path, content: bytes
) -> None:
    place = folder / "database"
    place.mkdir(exist_ok=True)
    (place / "harness.db").write_bytes(content)

    try:
        with bounded(), pytest.raises(Damaged):
            check_whole(place / "harness.db")
        assert (place / "harness.db").read_bytes() == content
    finally:
        remove(place)
