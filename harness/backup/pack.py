"""Makes a backup: the whole home in one file, while the daemon runs.

The database first, then the texts: what is in the archive and not yet stamped as delivered is
delivered again to the same page; the other way round a page could be missing for ever.
"""

from __future__ import annotations

import fcntl
import gzip
import io
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import harness
from harness.audit.files import HEAD, snapshot
from harness.backup.database import Content, check_sound, copy_database, inspect
from harness.backup.manifest import (
    AUDIT,
    DATABASE,
    FILES,
    FOLDERS,
    LEDGER,
    NAME,
    TOKEN,
    BackupRefused,
    Manifest,
    Member,
    belongs,
)
from harness.clock import stamp
from harness.config.home import Home
from harness.errors import HarnessError, Held
from harness.files import PRIVATE_FILE, PRIVATE_FOLDER, sync_folder

LEVEL = 6  # of compression
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Made:
    """A backup that is on the disk."""

    file: Path
    size: int
    manifest: Manifest
    skipped: tuple[str, ...]  # links and the like, which are not followed


def make_backup(home: Home, target: Path, now: datetime, *, token: bool = False) -> Made:
    """Write the backup to `target`, whole or not at all, for the owner alone.

    A backup that is there is replaced; anything else is not. Raises BackupRefused,
    HarnessError when the database is not sound, OSError.
    """
    refuse_bad_target(home, target)
    with workplace(target) as folder:
        content = Content(0, {}, ())
        copy = folder / "harness.db"
        if home.database.exists():
            copy_database(home.database, copy)
            content = inspect(copy, thorough=False)
        draft = folder / "draft"
        packer = Packer(draft)
        with packer:
            if copy.exists():
                with copy.open("rb") as file:
                    packer.add(DATABASE, file, PRIVATE_FILE)
            packer.add_ledger(home.ledger, folder / "ledger.db")
            packer.add_texts(home, token=token)
            packer.add_audit(home.audit)
            manifest = Manifest(
                made_at=stamp(now),
                version=harness.__version__,
                home=str(home.root),
                schema=content.schema if copy.exists() else None,
                tasks=content.tasks,
                in_flight=content.in_flight,
                members=tuple(packer.members),
            )
            packer.add_manifest(manifest)
        draft.replace(target)
        sync_folder(target.parent)
    return Made(target, target.stat().st_size, manifest, tuple(packer.skipped))


def refuse_bad_target(home: Home, target: Path) -> None:
    """Raises BackupRefused for a place where the backup would harm, or pack itself."""
    if not target.parent.is_dir():
        raise BackupRefused(f"there is no folder {target.parent}")
    place = target.parent.resolve() / target.name
    if place.is_relative_to(home.root) and belongs(str(place.relative_to(home.root))):
        raise BackupRefused(
            f"{target} would be a part of the next backup", hint="name a file outside the home"
        )
    if target.is_dir():
        raise BackupRefused(f"{target} is a folder", hint="name the file to write")
    if target.exists() and not begins_as_backup(target):
        raise BackupRefused(f"{target} is there and is no backup; it stays as it is")


def begins_as_backup(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC


@contextmanager
def workplace(target: Path) -> Iterator[Path]:
    """An empty folder beside `target`; what a killed backup to the same file left is removed.

    Raises Held while another one is made.
    """
    folder = target.with_name(f".{target.name}.part")
    folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for leftover in folder.iterdir():
            leftover.unlink()
        yield folder
        shutil.rmtree(folder)
    except BlockingIOError as error:
        raise Held(f"another process writes {target}") from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        os.close(handle)


class Packer:
    """Adds files to the draft of a backup, and knows what it added."""

    def __init__(self, draft: Path) -> None:
        self.draft = draft
        self.members: list[Member] = []
        self.skipped: list[str] = []

    def __enter__(self) -> Packer:
        handle = os.open(self.draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        self._file = os.fdopen(handle, "wb")
        self._zip = gzip.GzipFile("", "wb", LEVEL, fileobj=self._file)
        self._tar = tarfile.open(fileobj=self._zip, mode="w", format=tarfile.PAX_FORMAT)
        return self

    def __exit__(self, *error: object) -> None:
        with self._file, self._zip:
            self._tar.close()
            self._zip.close()
            self._file.flush()
            os.fsync(self._file.fileno())

    def add(self, name: str, file: BinaryIO, mode: int, size: int | None = None) -> None:
        """Add what `file` holds from here on, up to `size` bytes; hashed as it is read."""
        if size is None:
            size = os.fstat(file.fileno()).st_size
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, mode
        reader = Hashing(file, size)
        self._tar.addfile(entry, reader)  # type: ignore[arg-type]
        self.members.append(Member(name, size, reader.digest.hexdigest()))

    def add_ledger(self, ledger: Path, copy: Path) -> None:
        """One moment of the ledger. One that cannot be read is left out: the daemon would put it
        aside as well, and without it nothing of the crew is missing."""
        if not ledger.exists():
            return
        try:
            copy_database(ledger, copy)
            check_sound(copy)
        except HarnessError:
            self.skipped.append(LEDGER)
            return
        with copy.open("rb") as file:
            self.add(LEDGER, file, PRIVATE_FILE)

    def add_texts(self, home: Home, *, token: bool) -> None:
        """What people and agents wrote, each file as it is at one moment."""
        for name in (*FILES, *([TOKEN] if token else [])):
            self.add_text(home.root, name)
        for folder in FOLDERS:
            if folder != AUDIT:
                for name in names_below(home.root / folder, folder):
                    self.add_text(home.root, name)

    def add_text(self, root: Path, name: str) -> None:
        try:
            handle = os.open(root / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:  # removed meanwhile, or never there
            return
        except OSError:
            self.skipped.append(name)
            return
        with os.fdopen(handle, "rb") as file:
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode) or not belongs(name):
                self.skipped.append(name)
                return
            text = file.read()
        self.add(name, io.BytesIO(text), stat.S_IMODE(facts.st_mode), len(text))

    def add_audit(self, folder: Path) -> None:
        """The audit and its head as they were at one moment."""
        with snapshot(folder) as log:
            for piece in log.pieces:
                self.add(f"{AUDIT}/{piece.name}", piece.file, PRIVATE_FILE, piece.size)
            if log.head_bytes is not None:
                head = io.BytesIO(log.head_bytes)
                self.add(f"{AUDIT}/{HEAD}", head, PRIVATE_FILE, len(log.head_bytes))

    def add_manifest(self, manifest: Manifest) -> None:
        text = manifest.text().encode()
        entry = tarfile.TarInfo(NAME)
        entry.size, entry.mode = len(text), PRIVATE_FILE
        self._tar.addfile(entry, io.BytesIO(text))


class Hashing:
    """A file of which `tarfile` reads so many bytes, hashed on the way."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.left = file, size
        self.digest = sha256()

    def read(self, size: int) -> bytes:
        data = self.file.read(min(size, self.left))
        self.left -= len(data)
        self.digest.update(data)
        return data


def names_below(folder: Path, name: str) -> Iterator[str]:
    """Every entry below `folder` that is no folder; links to folders are entries."""
    if folder.is_symlink():
        yield name
        return
    for entry in (
        sorted(os.scandir(folder), key=lambda entry: entry.name) if folder.is_dir() else ()
    ):
        place = f"{name}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from names_below(Path(entry.path), place)
        elif not (entry.name.startswith(".") and entry.name.endswith(".tmp")):  # a draft
            yield place
