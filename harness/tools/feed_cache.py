"""What is remembered of each feed: its last body, for conditional requests, and its health."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from harness.files import make_folder, write_whole

# what a damaged file raises: binascii.Error and JSONDecodeError are ValueErrors
UNREADABLE = (OSError, ValueError, TypeError, zlib.error)


@dataclass(frozen=True)
class FeedRecord:
    """One feed's file under `.harness/cache/feeds/`. Times are stamps (clock.stamp)."""

    url: str
    checked_at: str | None = None  # the last time it was asked
    last_success: str | None = None
    failures: int = 0  # in a row
    last_error: str | None = None
    gone: bool = False  # the server said 410: it will not come back
    final_url: str | None = None  # where the body came from, after redirects
    etag: str | None = None
    last_modified: str | None = None
    content_type: str = ""
    body: bytes = b""

    @property
    def conditions(self) -> dict[str, str]:
        """The headers that let the server answer `304 Not Modified`."""
        if not self.body:
            return {}
        given = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in given.items() if value}


class FeedCache:
    """A folder with one JSON file per feed. A file that cannot be read counts as none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, url: str) -> FeedRecord:
        """What is known of a feed; an empty record for a new one."""
        try:
            record = unpacked(self._path(url).read_text(encoding="utf-8"))
        except UNREADABLE:
            return FeedRecord(url)
        return record if record.url == url else FeedRecord(url)

    def store(self, record: FeedRecord) -> None:
        """Raises OSError."""
        make_folder(self.folder)
        write_whole(self._path(record.url), packed(record), durable=False)

    def health(self) -> list[FeedRecord]:
        """Every feed ever asked, without the bodies' owners being asked again."""
        records = []
        for path in sorted(self.folder.glob("*.json")):
            try:
                records.append(unpacked(path.read_text(encoding="utf-8")))
            except UNREADABLE:
                continue
        return records

    def _path(self, url: str) -> Path:
        return self.folder / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.json"


def packed(record: FeedRecord) -> str:
    body = base64.b64encode(zlib.compress(record.body)).decode() if record.body else ""
    return json.dumps(asdict(record) | {"body": body})


def unpacked(text: str) -> FeedRecord:
    """Raises one of UNREADABLE."""
    saved = json.loads(text)
    if not isinstance(saved, dict):
        raise TypeError("a record is a JSON object")
    known = {entry.name for entry in fields(FeedRecord)}  # a later version may have more
    values = {name: value for name, value in saved.items() if name in known}
    body = zlib.decompress(base64.b64decode(saved["body"])) if saved.get("body") else b""
    return FeedRecord(**values | {"body": body})
