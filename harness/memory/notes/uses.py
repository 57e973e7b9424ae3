"""What of the memory was of use: how often it was told to an agent, and when last.

It is a hint for ranking and forgetting, and no truth. It lies in a file of its own beside the
index, which can be built anew without losing it. Who deletes the file loses the count: every note
fades as if nobody had ever read it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from harness.config.home import Home
from harness.files import locked, read_plain, write_whole
from harness.text.words import words

MOST = 20_000  # notes that are counted; those of use longest ago go
_TIME = re.compile(r"^\s*(?:[-*+]\s+)?(?:\d\d:\d\dZ\s+)?")
_COMMENT = re.compile(r"<!--.*?-->|\(also [^()\n]*\)", re.DOTALL)


@dataclass(frozen=True)
class Use:
    """How often, at most once a day, and on which day last."""

    count: int = 0
    last: date | None = None


NEVER = Use()


def key_of(text: str) -> str:
    """The same for a note wherever its line stands and whatever comments it has."""
    said = " ".join(words(_COMMENT.sub(" ", _TIME.sub("", text, count=1))))
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]


class Uses:
    """The counts of a home. A file that cannot be read counts as empty."""

    def __init__(self, home: Home) -> None:
        self.path = home.state / "memory-uses.json"

    def read(self) -> Mapping[str, Use]:
        """By `key_of` the text of a note; look up with `.get(key, NEVER)`."""
        try:
            known = json.loads(read_plain(self.path) or "{}")
            return {
                key: Use(int(count), date.fromisoformat(day)) for key, (count, day) in known.items()
            }
        except (ValueError, TypeError, AttributeError):
            return {}

    def count(self, texts: Iterable[str], today: date) -> None:
        """These were told to an agent today. Raises OSError, LinkRefused."""
        keys = {key_of(text) for text in texts}
        if not keys:
            return
        with locked(self.path.parent):
            known = dict(self.read())
            fresh = {key for key in keys if known.get(key, NEVER).last != today}
            if not fresh:
                return
            known |= {key: Use(known.get(key, NEVER).count + 1, today) for key in fresh}
            newest = sorted(known.items(), key=lambda item: (item[1].last or date.min, item[0]))
            rows = {key: [use.count, f"{use.last}"] for key, use in newest[-MOST:]}
            write_whole(self.path, json.dumps(rows), durable=False)
