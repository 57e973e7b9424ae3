"""What a backup says of itself: its last member, by which all the others are checked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

from harness.errors import HarnessError

NAME = "manifest.json"
FORMAT = 1
DATABASE = ".harness/harness.db"
LEDGER = ".harness/ledger.db"
TOKEN = ".harness/token"
AUDIT = ".harness/audit"
FILES = ("cron.yaml", "harness.yaml")
FOLDERS = ("agents", "skills", "shared-context", "memory", "archive", AUDIT)


class BackupRefused(HarnessError):
    """The file is no backup, or not a whole one; nothing was changed."""


@dataclass(frozen=True)
class Member:
    """One file in a backup, by its place in the home."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Where a backup came from, and what must be in it."""

    made_at: str
    version: str  # of the program
    home: str
    schema: int | None  # of the database; None when the home had none yet
    tasks: dict[str, int]  # how many in each state
    in_flight: tuple[str, ...]  # tasks that a session worked on
    members: tuple[Member, ...]
    format: int = FORMAT

    def text(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)


def read_manifest(text: bytes) -> Manifest:
    """Raises BackupRefused."""
    try:
        values: dict[str, Any] = json.loads(text)
        if values["format"] != FORMAT:
            raise BackupRefused(
                f"the backup has format {values['format']}, and this harness reads {FORMAT}",
                hint="restore it with the harness that made it, or a newer one",
            )
        members = tuple(member_of(member) for member in values.pop("members"))
        in_flight = tuple(map(text_of, values["in_flight"]))
        return Manifest(**{**values, "members": members, "in_flight": in_flight})
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise BackupRefused(f"the backup's {NAME} cannot be read: {error}") from error


def member_of(values: Any) -> Member:
    """Raises TypeError for what is none."""
    member = Member(**values)
    text_of(member.name)
    return member


def text_of(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text is wanted, not {type(value).__name__}")
    return value


def belongs(name: str) -> bool:
    """Whether a file of this name may be in a backup: one of a home's own, and nowhere else."""
    parts = PurePosixPath(name).parts
    plain = "/".join(parts) == name and not {"..", ".", ""} & set(parts)
    if not plain or name.startswith("/") or "\0" in name or "\\" in name:
        return False
    inside = any(name.startswith(f"{folder}/") for folder in FOLDERS)
    return inside or name in {*FILES, DATABASE, LEDGER, TOKEN}


def differences(manifest: Manifest, found: Sequence[Member]) -> list[str]:
    """What is missing, too much, or not what was packed."""
    promised = {member.name: member for member in manifest.members}
    there = {member.name: member for member in found}
    return [
        *(f"{name} is missing" for name in promised.keys() - there.keys()),
        *(f"{name} is not in its list" for name in there.keys() - promised.keys()),
        *(
            f"{name} is not what was packed"
            for name in promised.keys() & there.keys()
            if promised[name] != there[name]
        ),
    ]
