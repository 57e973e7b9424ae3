"""A hook that is a program: the facts on its stdin, the answer in its exit code.

0 is fine, 2 blocks with what it wrote to stderr as the reason, anything else warns.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.hooks.seal import Seal
from harness.hooks.verdict import PASSED, Call, Verdict, blocked, warned

MOST_HEARD = 4096  # bytes of stderr that are kept
DYING_SECONDS = 1.0
LAST_WORDS_SECONDS = 0.5  # for what is still in the pipe once the program has ended


@dataclass(frozen=True)
class Command:
    """A program with its words, run without a shell in the home, in a process group of its own."""

    argv: tuple[str, ...]  # the first is an absolute path
    root: Path
    environment: Mapping[str, str]
    seal: Seal

    async def ask(self, call: Call) -> Verdict:
        """Run it. Cancelling kills it with all that it started, and waits for its end.

        A command whose files changed since it was frozen is not run, and blocks.
        """
        changed = await asyncio.to_thread(self.seal.broken_by)
        if changed is not None:
            return blocked(
                f"{changed} was changed since the hooks were frozen, so the hook does not run;"
                " a person looks at it and says: harness hooks reload"
            )
        with tempfile.TemporaryFile() as facts:
            facts.write(call.payload.encode())
            facts.seek(0)
            try:
                return judged(*await self.run(facts, call))
            except OSError as error:
                return warned(f"it cannot be run: {error.strerror or error}")

    async def run(self, facts: IO[bytes], call: Call) -> tuple[int, str]:
        """Its exit code (below zero: the signal that ended it) and the first of its stderr."""
        ear, hearing, mouth = await open_ear()
        try:
            try:
                # no pipes of asyncio: with them, a child's child that keeps one open is waited for
                process = await asyncio.create_subprocess_exec(
                    *self.argv,
                    stdin=facts,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=mouth,
                    cwd=self.root,
                    env={**self.environment, "HARNESS_EVENT": call.event.value},
                    start_new_session=True,
                )
            finally:
                os.close(mouth)
            code = await ended(process)
            await asyncio.wait([ear.silence], timeout=LAST_WORDS_SECONDS)
        finally:
            hearing.close()
        return code, ear.heard.decode(errors="replace")


def judged(code: int, words: str) -> Verdict:
    match code:
        case 0:
            return PASSED
        case 2:
            return blocked(words)
        case _ if code < 0:
            return warned(f"it was ended by signal {-code}: {words}")
        case _:
            return warned(f"it ended with {code}: {words}")


async def ended(process: asyncio.subprocess.Process) -> int:
    """The exit code, once neither the process nor anything in its group is left."""
    try:
        return await process.wait()
    finally:
        with suppress(ProcessLookupError, PermissionError):  # the latter is macOS's for zombies
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(TimeoutError):  # one that runs as somebody else cannot be killed
            async with asyncio.timeout(DYING_SECONDS):
                await process.wait()


class Ear(asyncio.Protocol):
    """Keeps the first of what comes through a pipe, and lets the rest pass."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.silence: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.heard += data[: MOST_HEARD - len(self.heard)]

    def connection_lost(self, error: Exception | None) -> None:
        if not self.silence.done():
            self.silence.set_result(None)


async def open_ear() -> tuple[Ear, asyncio.BaseTransport, int]:
    """An ear, the transport that feeds it, and the descriptor to be heard at."""
    reading, mouth = os.pipe()
    try:
        hearing, ear = await asyncio.get_running_loop().connect_read_pipe(
            Ear, os.fdopen(reading, "rb", buffering=0)
        )
    except BaseException:
        os.close(mouth)
        raise
    return ear, hearing, mouth
