"""The audit keeps its chain: across processes, crashes, rotation, pruning and a full disk."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.audit import log as log_module
from harness.audit.book import AuditBook
from harness.audit.files import HEAD, log_files, read_head
from harness.audit.line import (
    BEGINNING,
    LOST,
    PRUNED,
    REPAIRED,
    Deed,
    Link,
    canonical,
    clipped,
    hash_of,
    line_of,
    next_line,
)
from harness.audit.log import AuditLog, Sizes
from harness.audit.reader import last_lines, lines_behind
from harness.audit.verify import Report, verify
from harness.clock import FakeClock, stamp
from harness.text.secrets import MASK, Redactor

AT = "2026-01-01T00:00:00.000+00:00"
SMALL = Sizes(file=1000, whole=4000)


def deed(number: int = 0, at: str = AT) -> Deed:
    return Deed(at, "person:alice", "task.sent", f"task-{number}", {"text": "Look."})


def write(folder: Path, count: int, sizes: Sizes | None = None, at: str = AT) -> AuditLog:
    audit = AuditLog(folder, Redactor(), sizes)
    for number in range(count):
        audit.append([deed(number, at)])
    return audit


def raws(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def only_file(folder: Path) -> Path:
    (path,) = log_files(folder)
    return path


def messages(report: Report) -> str:
    return "\n".join(finding.message for finding in report.findings)


def test_what_was_written_is_whole_and_reads_back(tmp_path: Path) -> None:
    write(tmp_path, 5)

    report = verify(tmp_path)

    assert (report.ok, report.lines, report.notes) == (True, 5, ())
    assert [line.target for line in last_lines(tmp_path, 2)] == ["task-3", "task-4"]
    assert [line.seq for line in lines_behind(tmp_path, 3)] == [4, 5]
    assert only_file(tmp_path).stat().st_mode & 0o777 == 0o600
    assert only_file(tmp_path).name == "00000001-2026-01-01.jsonl"


def test_an_audit_that_never_was_is_whole(tmp_path: Path) -> None:
    assert verify(tmp_path / "none").ok
    assert last_lines(tmp_path / "none", 5) == []
    assert not (tmp_path / "none").exists()


def forged(lines: list[bytes], place: int) -> bytes:
    """An edit by somebody who knows how: with the right hash for what it now says."""
    values = json.loads(lines[place])
    before = json.loads(lines[place - 1])
    content = {**values, "target": "task-9"}
    link = Link(before["seq"], before["hash"])
    deed = Deed(*(content[name] for name in ("at", "actor", "action", "target", "details")))
    return next_line(link, deed).raw() + b"\n"


EDITS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "edited": lambda lines: [*lines[:2], lines[2].replace(b"task-2", b"task-9"), *lines[3:]],
    "edited and its hash too": lambda lines: [*lines[:2], forged(lines, 2), *lines[3:]],
    "the last one edited and its hash too": lambda lines: [*lines[:-1], forged(lines, -1)],
    "removed": lambda lines: [*lines[:2], *lines[3:]],
    "the first removed": lambda lines: lines[1:],
    "the last removed": lambda lines: lines[:-1],
    "all removed": lambda lines: [],
    "half the last removed": lambda lines: [*lines[:-1], lines[-1][:40]],
    "in another order": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "doubled": lambda lines: [*lines[:3], lines[2], *lines[3:]],
    "put in": lambda lines: [*lines[:2], forged(lines, 2), *lines[2:]],
    "blanks put in": lambda lines: [*lines[:2], lines[2].replace(b",", b", ", 1), *lines[3:]],
    "an empty line put in": lambda lines: [*lines[:2], b"\n", *lines[2:]],
    "rubbish put in": lambda lines: [*lines[:2], b"{}\n", *lines[2:]],
}


@pytest.mark.parametrize("edit", EDITS)
def test_every_change_is_found_and_stays_found_when_the_log_goes_on(
    tmp_path: Path, edit: str
) -> None:
    audit = write(tmp_path, 5)
    path = only_file(tmp_path)
    path.write_bytes(b"".join(EDITS[edit](raws(path))))

    assert not verify(tmp_path).ok
    audit.append([deed(6)])
    assert not verify(tmp_path).ok
    assert last_lines(tmp_path, 1)[0].target == "task-6"


@given(st.data())
def test_no_byte_can_be_changed_unseen(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("audit")
    write(folder, 3)
    path = only_file(folder)
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != whole[place]))
    path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])

    assert not verify(folder).ok


def test_a_lost_head_is_found_and_stays_found(tmp_path: Path) -> None:
    audit = write(tmp_path, 3)
    path = only_file(tmp_path)
    path.write_bytes(b"".join(raws(path)[:-1]))
    (tmp_path / HEAD).unlink()

    assert "head.json is missing" in messages(verify(tmp_path))
    audit.append([deed()])
    assert "the head was gone" in messages(verify(tmp_path))


def test_a_log_written_anew_is_found_by_a_hash_that_was_noted(tmp_path: Path) -> None:
    write(tmp_path / "old", 3)
    noted = last_lines(tmp_path / "old", 1)[0].hash
    write(tmp_path / "new", 2)

    assert verify(tmp_path / "old", noted).ok
    assert verify(tmp_path / "new").ok
    assert not verify(tmp_path / "new", noted).ok


@pytest.mark.parametrize("cut", [1, 30, -2])
def test_a_torn_line_is_recorded_by_the_next_writer_and_nothing_is_lost(
    tmp_path: Path, cut: int
) -> None:
    audit = write(tmp_path, 3)
    path = only_file(tmp_path)
    line = next_line(last_lines(tmp_path, 1)[0].link, deed(9)).raw()
    with path.open("ab") as file:
        file.write(line[:cut])

    before = verify(tmp_path)
    audit.append([deed(4)])
    after = verify(tmp_path)

    assert before.ok
    assert "torn by a crash" in before.notes[0]
    assert after.ok
    assert [line.action for line in last_lines(tmp_path, 2)] == [REPAIRED, "task.sent"]
    assert after.last
    assert after.last.seq == 5


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_whole_line_that_the_head_does_not_know_yet_counts(tmp_path: Path, end: bytes) -> None:
    audit = write(tmp_path, 2)
    line = next_line(last_lines(tmp_path, 1)[0].link, deed(9)).raw()
    with only_file(tmp_path).open("ab") as file:
        file.write(line + end)

    assert verify(tmp_path).ok
    audit.append([deed(4)])
    assert verify(tmp_path).ok
    assert [line.target for line in last_lines(tmp_path, 2)] == ["task-9", "task-4"]


def test_a_crash_at_any_byte_of_a_repair_is_repaired_again(tmp_path: Path) -> None:
    audit = write(tmp_path, 2)
    path = only_file(tmp_path)
    head = (tmp_path / HEAD).read_bytes()
    with path.open("ab") as file:
        file.write(b'{"half')
    torn = path.read_bytes()
    audit.append([deed(3)])
    whole = path.read_bytes()

    for size in range(len(torn), len(whole) + 1, 7):
        path.write_bytes(whole[:size])
        (tmp_path / HEAD).write_bytes(head)
        audit.append([deed(4)])
        assert verify(tmp_path).findings == (), size


def test_a_new_day_and_a_full_file_begin_a_new_file(tmp_path: Path) -> None:
    write(tmp_path, 1)
    write(tmp_path, 4, Sizes(file=600), at="2026-01-02T00:00:00.000+00:00")
    write(tmp_path, 1, at="2025-12-31T00:00:00.000+00:00")  # the clock stepped back

    names = [path.name for path in log_files(tmp_path)]

    assert names[:2] == ["00000001-2026-01-01.jsonl", "00000002-2026-01-02.jsonl"]
    assert len(names) == 3
    assert verify(tmp_path).ok
    assert verify(tmp_path).lines == 6


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_removed_file_is_found(tmp_path: Path, gone: int) -> None:
    write(tmp_path, 9, Sizes(file=800))
    files = log_files(tmp_path)
    assert len(files) == 3
    files[gone].unlink()

    assert not verify(tmp_path).ok


def test_the_whole_is_limited_and_says_from_where_on_it_vouches(tmp_path: Path) -> None:
    write(tmp_path, 40, SMALL)

    report = verify(tmp_path)

    assert sum(path.stat().st_size for path in log_files(tmp_path)) <= SMALL.whole + 1000
    assert report.ok
    assert report.first
    assert report.first.seq > 20
    assert any(line.action == PRUNED for line in last_lines(tmp_path, 40))
    log_files(tmp_path)[0].unlink()  # by hand, without an anchor
    assert "lines before it are gone" in messages(verify(tmp_path))


def test_a_crash_in_the_middle_of_pruning_leaves_a_log_that_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.unlink
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda path, missing_ok=False: None)
        audit = write(tmp_path, 40, SMALL)

    assert verify(tmp_path).ok
    monkeypatch.setattr(Path, "unlink", real)
    for number in range(8):
        audit.append([deed(number)])
    assert verify(tmp_path).ok
    assert sum(path.stat().st_size for path in log_files(tmp_path)) <= SMALL.whole + 1000


def append_many(folder: Path, name: str) -> None:
    audit = AuditLog(folder, Redactor(), Sizes(file=5000))
    for number in range(25):
        audit.append([Deed(AT, name, "x", str(number))])


def test_several_processes_write_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=append_many, args=(tmp_path, f"writer-{number}"))
        for number in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    report = verify(tmp_path)

    assert (report.ok, report.lines) == (True, 75)
    for number in range(3):
        own = [line.target for line in last_lines(tmp_path, 75) if line.actor[-1] == str(number)]
        assert own == [str(each) for each in range(25)]


def test_no_secret_reaches_the_disk(tmp_path: Path) -> None:
    arguments = {"headers": {"Authorization": "Basic canary1"}, "text": "x" * 290 + " canary22"}
    details = {"arguments": arguments, "url": "https://u:canary1@example.org", "n": 10**80}

    AuditLog(tmp_path, Redactor(["canary22"])).append(
        [Deed(AT, "a", "b", "token=canary1", details)]
    )

    assert b"canary" not in only_file(tmp_path).read_bytes()
    assert MASK in str(last_lines(tmp_path, 1)[0].details)


@given(st.recursive(st.text() | st.floats() | st.integers(), lambda inner: st.lists(inner)))
def test_any_value_becomes_a_line_that_reads_back(value: object) -> None:
    cut = clipped({"value": value})

    assert json.loads(canonical(cut)) == cut


def full_disk(path: Path, raw: bytes) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


async def test_a_full_disk_stops_nobody_and_is_told_afterwards(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = AuditBook(AuditLog(tmp_path, Redactor()), clock)
    with monkeypatch.context() as patch:
        patch.setattr(log_module, "append", full_disk)
        book.record("daemon", "daemon.started")
        book.record("daemon", "files.reloaded")
        await book.aclose()
    lost = book.lost
    book.record("daemon", "daemon.stopped")
    await book.aclose()

    lines = last_lines(tmp_path, 9)

    assert lost == 2
    assert [(line.action, line.details) for line in lines] == [
        (LOST, {"lines": 2}),
        ("daemon.stopped", {}),
    ]
    assert verify(tmp_path).ok
    assert verify(tmp_path).notes == ("2 lines before line 1 could not be written",)


def test_a_write_that_fails_half_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = write(tmp_path, 2)
    before, head = only_file(tmp_path).read_bytes(), read_head(tmp_path)
    real = os.write

    def half(handle: int, raw: memoryview) -> int:
        if len(raw) < 200:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(handle, raw[:150])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(OSError, match="No space"):
            audit.append([deed(3)])

    assert (only_file(tmp_path).read_bytes(), read_head(tmp_path)) == (before, head)


async def test_the_book_keeps_the_order_and_the_time_of_the_deed(
    tmp_path: Path, clock: FakeClock
) -> None:
    book = AuditBook(AuditLog(tmp_path, Redactor()), clock)
    for number in range(600):
        book.record("daemon", "x", str(number))
    clock.shift(timedelta(hours=1))
    await book.aclose()

    lines = last_lines(tmp_path, 1000)

    assert [line.target for line in lines] == [str(number) for number in range(600)]
    assert {line.at for line in lines} == {stamp(clock.now() - timedelta(hours=1))}


@pytest.mark.parametrize(
    "odd", [{"seq": True}, {"at": 5}, {"prev": []}, {"details": []}, {"target": 0}, {"actor": None}]
)
def test_a_line_with_a_value_of_another_kind_is_none_whatever_its_hash(
    odd: dict[str, object],
) -> None:
    content = {**vars(next_line(BEGINNING, deed())), **odd}
    del content["hash"]

    assert line_of(canonical(content | {"hash": hash_of(content)})) is None


def test_a_line_of_any_depth_is_none() -> None:
    assert line_of(b"[" * 100_000) is None
