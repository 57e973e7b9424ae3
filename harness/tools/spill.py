"""Results that are too long for the prompt: the beginning is shown, all of it lies in a file."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from harness.files import make_folder, write_whole

ROOM_FOR_NOTE = 200  # characters that telling about a cut may take


@dataclass(frozen=True)
class Part:
    """What of a text is shown."""

    text: str
    remark: str = ""  # that it was cut, and how to read on
    file: Path | None = None  # where all of it lies


class Spill:
    """The folder of one session's long results."""

    def __init__(self, folder: Path, max_chars: int) -> None:
        self.folder = folder
        self.max_chars = max_chars

    async def fit(self, call_id: str, text: str, limit: int) -> Part:
        """The text within `limit` characters and the session's own limit."""
        room = min(limit, self.max_chars)
        if len(text) <= room:
            return Part(text)
        head = whole_lines(text[: max(room - ROOM_FOR_NOTE, 0)])
        cut = f"[cut: {len(head)} of {len(text)} characters are shown"
        file = spill_file(self.folder, call_id)
        try:
            await asyncio.to_thread(keep, file, text)
        except OSError as error:
            return Part(head.rstrip(), f"{cut}; the rest could not be kept: {error.strerror}]")
        more = f'{cut}; read_result(id="{call_id}", offset={len(head)}) gives more]'
        return Part(head.rstrip(), more, file)


def spill_file(folder: Path, call_id: str) -> Path:
    """Where the whole result of a call lies; an id never leads out of the folder."""
    return folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', call_id)[:100]}.txt"


def whole_lines(text: str) -> str:
    """The text up to its last line end; all of it when it is one long line."""
    end = text.rfind("\n") + 1
    return text[:end] if end > len(text) // 2 else text


def keep(file: Path, text: str) -> None:
    make_folder(file.parent)
    write_whole(file, text, durable=False)
