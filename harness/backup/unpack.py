"""Unpacks a backup into an empty folder, and believes nothing it says until it is checked."""

from __future__ import annotations

import os
import shutil
import tarfile
import zlib
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import IO

from harness.backup.database import inspect
from harness.backup.manifest import (
    DATABASE,
    NAME,
    BackupRefused,
    Manifest,
    Member,
    belongs,
    differences,
    read_manifest,
)
from harness.files import PRIVATE_FILE, PRIVATE_FOLDER, sync_folder

CHUNK = 1024 * 1024
MANIFEST_LIMIT = 256 * CHUNK
STATE = ".harness/"
PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)


def unpack(file: Path, folder: Path) -> Manifest:
    """Make the home that `file` holds in `folder`, which is made; durable when this returns.

    Raises BackupRefused, SchemaTooNew (78), DatabaseError, OSError; `folder` is then no home.
    """
    folder.mkdir(mode=PRIVATE_FOLDER)
    try:
        found, manifest = read_members(file, folder)
    except (tarfile.TarError, EOFError, zlib.error, UnicodeError) as error:
        raise BackupRefused(f"{file} is no whole backup: {error}") from error
    except OSError as error:
        if error.errno is None:  # gzip says so of what is not its own
            raise BackupRefused(f"{file} is no backup: {error}") from error
        raise
    if manifest is None:
        raise BackupRefused(f"{file} has no {NAME}: it is cut off, or no backup")
    if faults := differences(manifest, found):
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise BackupRefused(f"{file} is damaged: {'; '.join(sorted(faults)[:3])}{more}")
    if not (folder / "cron.yaml").is_file():
        raise BackupRefused(f"{file} holds no home: there is no cron.yaml in it")
    (folder / "agents").mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    if (folder / DATABASE).exists():
        inspect(folder / DATABASE, thorough=True)
        for leftover in (folder / STATE).glob("harness.db-*"):
            leftover.unlink()
    sync_tree(folder)
    return manifest


def read_members(file: Path, folder: Path) -> tuple[list[Member], Manifest | None]:
    found: dict[str, Member] = {}
    manifest = None
    with tarfile.open(file, "r|gz") as tar:
        for entry in tar:
            content = tar.extractfile(entry) if entry.type in PLAIN else None
            if content is None or entry.issparse():
                raise BackupRefused(f"{file} is refused: {entry.name!r} is not a plain file")
            if manifest is not None or entry.name in found:
                raise BackupRefused(f"{file} is refused: {entry.name!r} is there twice or too late")
            if entry.name == NAME:
                if entry.size > MANIFEST_LIMIT:
                    raise BackupRefused(f"{file} is refused: its {NAME} is too large")
                manifest = read_manifest(content.read())
                continue
            if not belongs(entry.name):
                raise BackupRefused(f"{file} is refused: {entry.name!r} is no place in a home")
            if shutil.disk_usage(folder).free < entry.size:
                raise BackupRefused(f"{folder.parent} has no room for {file}")
            found[entry.name] = write_member(entry, content, folder)
    return list(found.values()), manifest


def write_member(entry: tarfile.TarInfo, content: IO[bytes], folder: Path) -> Member:
    """Write one file of a name that was checked; a folder that is new is nobody else's."""
    place = folder / entry.name
    for above in reversed(place.relative_to(folder).parents[:-1]):
        (folder / above).mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    ours = entry.name.startswith(STATE)
    mode = PRIVATE_FILE if ours else (entry.mode & 0o755) | PRIVATE_FILE
    digest, size = sha256(), 0
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            out.write(chunk)
        out.flush()
        os.fchmod(out.fileno(), mode)
        os.fsync(out.fileno())
    return Member(entry.name, size, digest.hexdigest())


def sync_tree(folder: Path) -> None:
    for place, _, _ in os.walk(folder):
        with suppress(FileNotFoundError):
            sync_folder(Path(place))
