"""A backup is whole, and a restore believes it only when it is."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import sqlite3
import tarfile
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.audit.line import Deed
from harness.audit.log import AuditLog
from harness.audit.verify import verify
from harness.backup.manifest import DATABASE, LEDGER, NAME, BackupRefused, belongs, read_manifest
from harness.backup.pack import make_backup
from harness.backup.restore import restore
from harness.bus.port import Request, State
from harness.bus.reader import Reader
from harness.bus.sync import SyncBus
from harness.clock import FakeClock
from harness.config.home import Home
from harness.db.connection import DatabaseError
from harness.db.migrations import SchemaTooNew
from harness.errors import Held
from harness.ids import Ids
from harness.models.ledger.call import ModelLoad
from harness.models.ledger.ledger import Ledger
from harness.models.ledger.reader import LedgerReader
from harness.services.lock import HomeLock
from harness.text.secrets import Redactor
from tests.backup.conftest import TEXTS

NOWHERE = "../escape.md"
Parts = dict[str, bytes]


def tree(root: Path) -> dict[str, tuple[int, bytes]]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {
        str(path.relative_to(root)): (path.stat().st_mode & 0o777, path.read_bytes())
        for path in files
    }


def parts_of(file: Path) -> Parts:
    with tarfile.open(file) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]


def pack(file: Path, parts: Parts, *special: tarfile.TarInfo) -> None:
    with tarfile.open(file, "w:gz") as tar:
        for entry in special:
            tar.addfile(entry)
        for name, content in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


@pytest.fixture
def packed(full: Home, clock: FakeClock, tmp_path: Path) -> Path:
    return make_backup(full, tmp_path / "b.tar.gz", clock.now()).file


def test_a_home_comes_back_as_it_was(full: Home, clock: FakeClock, tmp_path: Path) -> None:
    made = make_backup(full, tmp_path / "b.tar.gz", clock.now())

    done = restore(made.file, tmp_path / "new" / "place", clock.now())

    old, new = tree(full.root), tree(done.home)
    assert made.file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar.gz", "home", "new"]
    assert [path.name for path in done.home.parent.iterdir()] == ["place"]
    assert {*TEXTS, "cron.yaml", "skills/look/run.sh", DATABASE} <= new.keys()
    assert new.keys().isdisjoint({".harness/token", f"{DATABASE}-wal", f"{DATABASE}-shm"})
    del new[DATABASE]
    assert {name: old[name] for name in new} == new
    assert verify(Home(done.home).audit).ok
    assert (made.manifest.tasks, len(made.manifest.in_flight)) == (
        {"confirmed": 1, "request": 1},
        1,
    )
    with Reader(Home(done.home).database) as reader:
        assert len(reader.tasks(state=State.CONFIRMED)) == 1


def test_the_token_is_packed_only_when_asked(full: Home, clock: FakeClock, tmp_path: Path) -> None:
    without = make_backup(full, tmp_path / "a.tar.gz", clock.now()).file
    with_it = make_backup(full, tmp_path / "b.tar.gz", clock.now(), token=True).file

    assert b"canary" not in gzip.decompress(without.read_bytes())
    assert parts_of(with_it)[".harness/token"] == b"canary"


def test_a_home_that_never_ran_can_be_backed_up(
    home: Home, clock: FakeClock, tmp_path: Path
) -> None:
    made = make_backup(home, tmp_path / "b.tar.gz", clock.now())
    done = restore(made.file, tmp_path / "new", clock.now())

    assert made.manifest.schema is None
    assert (done.home / "agents").is_dir()
    assert not (done.home / DATABASE).exists()


def test_links_are_not_followed_and_told(full: Home, clock: FakeClock, tmp_path: Path) -> None:
    (full.root / "memory" / "link.md").symlink_to("/etc/hostname")
    (full.root / "agents" / "folder").symlink_to("/etc")
    os.mkfifo(full.root / "archive" / "pipe")

    made = make_backup(full, tmp_path / "b.tar.gz", clock.now())

    assert sorted(made.skipped) == ["agents/folder", "archive/pipe", "memory/link.md"]
    assert restore(made.file, tmp_path / "new", clock.now())


def test_a_backup_beside_writers_is_one_moment(
    full: Home, clock: FakeClock, tmp_path: Path
) -> None:
    stop = threading.Event()

    def keep_writing() -> None:
        with SyncBus(full, clock, Ids(clock)) as bus:
            audit = AuditLog(full.audit, Redactor())
            while not stop.is_set():
                bus.request(Request("scout", "More."))
                audit.append([Deed("2026-01-01T00:00:00+00:00", "daemon", "x")])

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        made = [make_backup(full, tmp_path / f"{n}.tar.gz", clock.now()) for n in range(3)]
    finally:
        stop.set()
        writer.join()

    for number, each in enumerate(made):
        done = restore(each.file, tmp_path / f"new-{number}", clock.now())
        assert verify(done.home / ".harness/audit").findings == ()
        with Reader(Home(done.home).database) as reader:
            assert len(reader.tasks(limit=10_000)) == sum(each.manifest.tasks.values())


def test_the_old_home_is_kept_beside(full: Home, packed: Path, clock: FakeClock) -> None:
    (full.root / "notes.txt").write_text("mine")
    full.cron_file.write_text("jobs: {changed: {}}\n")
    (full.state / "harness.db-wal").write_bytes(b"stale")

    done = restore(packed, full.root, clock.now())
    again = restore(packed, full.root, clock.now())

    assert done.before
    assert again.before
    assert done.before.name == "home.before-restore-20260101T000000Z"
    assert again.before.name == "home.before-restore-20260101T000000Z-2"
    assert (done.before / "notes.txt").read_text() == "mine"
    assert "changed" in (done.before / "cron.yaml").read_text()
    assert done.left_behind == (".harness/token", "notes.txt")
    assert full.cron_file.read_text() == "jobs: {}\n"
    assert not list(full.state.glob("harness.db-*"))


def test_a_daemon_that_holds_the_home_keeps_it(full: Home, packed: Path, clock: FakeClock) -> None:
    before = tree(full.root)
    with HomeLock(full), pytest.raises(Held) as held:
        restore(packed, full.root, clock.now())

    assert held.value.exit_code == 6
    assert tree(full.root).keys() - before.keys() <= {".harness/lock"}
    assert sorted(path.name for path in full.root.parent.iterdir()) == ["b.tar.gz", "home"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.99])
def test_a_backup_that_was_cut_off_is_refused(
    packed: Path, clock: FakeClock, tmp_path: Path, share: float
) -> None:
    whole = packed.read_bytes()
    packed.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(BackupRefused):
        restore(packed, tmp_path / "new", clock.now())


def link(name: str, kind: bytes, to: str = "/etc/passwd") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, to
    return entry


def with_manifest(parts: Parts, **changes: Any) -> Parts:
    return {**parts, NAME: json.dumps({**json.loads(parts[NAME]), **changes}).encode()}


def put_first(parts: Parts, name: str, content: bytes = b"x") -> Parts:
    return {name: content, **parts}


FORGERIES: dict[str, Callable[[Parts], Parts]] = {
    "out of the folder": lambda parts: put_first(parts, NOWHERE),
    "out of the folder, from within": lambda parts: put_first(parts, f"agents/../{NOWHERE}"),
    "absolute": lambda parts: put_first(parts, "/tmp/escape.md"),
    "no place of a home": lambda parts: put_first(parts, ".bashrc"),
    "a log of the database": lambda parts: put_first(parts, f"{DATABASE}-wal"),
    "a file too many": lambda parts: put_first(parts, "agents/more.md"),
    "a file too few": lambda parts: {k: v for k, v in parts.items() if k != "harness.yaml"},
    "a file changed": lambda parts: {**parts, "harness.yaml": b"session: {max_turns: 8}\n"},
    "a file after the manifest": lambda parts: {**parts, "agents/late.md": b"x"},
    "no manifest": lambda parts: {k: v for k, v in parts.items() if k != NAME},
    "a manifest that is none": lambda parts: {**parts, NAME: b"[]"},
    "another format": lambda parts: with_manifest(parts, format=2),
    "no home": lambda parts: with_manifest({NAME: parts[NAME]}, members=[]),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_is_not_as_packed_is_refused_and_nothing_changes(
    full: Home, packed: Path, clock: FakeClock, forgery: str
) -> None:
    pack(packed, FORGERIES[forgery](parts_of(packed)))
    before = tree(full.root)

    with pytest.raises(BackupRefused):
        restore(packed, full.root, clock.now())

    assert tree(full.root).keys() - before.keys() <= {".harness/lock"}
    assert sorted(path.name for path in full.root.parent.iterdir()) == ["b.tar.gz", "home"]


@pytest.mark.parametrize(
    "entry",
    [
        link("agents/x", tarfile.SYMTYPE),
        link("agents/x", tarfile.LNKTYPE, "cron.yaml"),
        link("agents/x", tarfile.FIFOTYPE),
        link("agents/x", tarfile.CHRTYPE),
        link("agents", tarfile.DIRTYPE),
    ],
    ids=["symlink", "hardlink", "pipe", "device", "folder"],
)
def test_only_plain_files_are_taken(
    packed: Path, clock: FakeClock, tmp_path: Path, entry: tarfile.TarInfo
) -> None:
    pack(packed, parts_of(packed), entry)

    with pytest.raises(BackupRefused, match="not a plain file"):
        restore(packed, tmp_path / "new", clock.now())

    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "name", ["agents", "agents/", "./cron.yaml", "agents//x", "a\0b", ".harness/lock"]
)
def test_names_that_do_not_belong(name: str) -> None:
    assert not belongs(name)


def repacked(packed: Path, database: bytes) -> None:
    from hashlib import sha256

    parts = parts_of(packed)
    members = json.loads(parts[NAME])["members"]
    for member in members:
        if member["name"] == DATABASE:
            member |= {"size": len(database), "sha256": sha256(database).hexdigest()}
    pack(packed, with_manifest({**parts, DATABASE: database}, members=members))


def test_a_damaged_database_is_refused(packed: Path, clock: FakeClock, tmp_path: Path) -> None:
    database = bytearray(parts_of(packed)[DATABASE])
    database[8192:12288] = os.urandom(4096)
    repacked(packed, bytes(database))

    with pytest.raises(DatabaseError, match="damaged"):
        restore(packed, tmp_path / "new", clock.now())


def test_a_newer_schema_is_refused(packed: Path, clock: FakeClock, tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    path.write_bytes(parts_of(packed)[DATABASE])
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 999")
    db.close()
    repacked(packed, path.read_bytes())

    with pytest.raises(SchemaTooNew):
        restore(packed, tmp_path / "new", clock.now())


def test_a_damaged_live_database_makes_no_backup(
    full: Home, clock: FakeClock, tmp_path: Path
) -> None:
    raw = bytearray(full.database.read_bytes())
    raw[8192:12288] = os.urandom(4096)
    full.database.write_bytes(bytes(raw))

    with pytest.raises(DatabaseError, match="damaged"):
        make_backup(full, tmp_path / "b.tar.gz", clock.now())

    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_backup_replaces_a_backup_and_nothing_else(
    full: Home, packed: Path, clock: FakeClock, tmp_path: Path
) -> None:
    assert make_backup(full, packed, clock.now())
    (tmp_path / "mine").write_text("mine")

    for target in (tmp_path / "mine", tmp_path, full.archive / "b.tar.gz", full.settings_file):
        with pytest.raises(BackupRefused):
            make_backup(full, target, clock.now())
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b"[]",
        b'{"format": 1, "members": [{"name": [], "size": 1, "sha256": ""}], "in_flight": []}',
        b'{"format": 1, "members": [], "in_flight": [5]}',
    ],
)
def test_a_manifest_of_another_shape_is_refused(text: bytes) -> None:
    with pytest.raises(BackupRefused):
        read_manifest(text)


async def test_the_ledger_is_packed_as_one_moment_and_comes_back(
    full: Home, clock: FakeClock, tmp_path: Path
) -> None:
    async with a_ledger(full, clock):  # what was written last is in its log yet
        packed = make_backup(full, tmp_path / "b.tar.gz", clock.now()).file

    restore(packed, tmp_path / "back", clock.now())

    with LedgerReader(Home(tmp_path / "back").ledger) as reader:
        (load,) = reader.loads(clock.now(), clock.now() + timedelta(seconds=1))
    assert load.model == "small"


def test_a_damaged_ledger_is_left_out_of_a_backup_and_told(
    full: Home, clock: FakeClock, tmp_path: Path
) -> None:
    full.ledger.write_bytes(b"no database " * 500)

    made = make_backup(full, tmp_path / "b.tar.gz", clock.now())

    assert made.skipped == (LEDGER,)
    assert LEDGER not in parts_of(made.file)


@asynccontextmanager
async def a_ledger(home: Home, clock: FakeClock) -> AsyncIterator[None]:
    """One that is open, with a load in it."""
    ledger = Ledger(home.ledger, clock)
    ledger.note(ModelLoad("01L", clock.now(), "local", "small", 4096, 1.0))
    async with asyncio.timeout(20):
        while not has_loads(home):
            await asyncio.sleep(0.01)
    yield
    await ledger.aclose()


def has_loads(home: Home) -> bool:
    with LedgerReader(home.ledger) as reader:
        return bool(reader.db.execute("SELECT 1 FROM loads").fetchone())
