"""What all commands of a script say, in the order in which they say it, up to a limit."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

CHUNK = 65_536
PATIENCE = 1.0  # seconds for an end that somebody else keeps open


class Outflow:
    """A pipe that commands write to. What is beyond the limit is read and dropped."""

    def __init__(self, limit: int) -> None:
        self.cut = False
        self._kept = bytearray()
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._loop.add_reader(self._reader, self._take)

    def say(self, line: str) -> None:
        """A line of our own, after what was said before."""
        while self._take():
            pass
        self._keep(f"{line}\n".encode("utf-8", "replace"))

    async def text(self) -> str:
        """All that was kept, once nobody writes any more."""
        os.close(self.writer)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._ended
        self._close()
        return self._kept.decode("utf-8", "replace")

    def _take(self) -> bool:
        """Read once. Whether there may be more."""
        try:
            chunk = os.read(self._reader, CHUNK)
        except BlockingIOError:
            return False
        self._keep(chunk)
        if not chunk:
            self._close()
        return bool(chunk)

    def _keep(self, chunk: bytes) -> None:
        room = max(self._limit - len(self._kept), 0)
        self._kept += chunk[:room]
        self.cut = self.cut or len(chunk) > room

    def _close(self) -> None:
        if self._reader >= 0:
            self._loop.remove_reader(self._reader)
            os.close(self._reader)
            self._reader = -1
        if not self._ended.done():
            self._ended.set_result(None)
