"""The listeners of other processes: each has a pipe, and is told on it what happens in its task."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import select
import stat
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from harness.bus.bells import Bell
from harness.bus.pulse import Pulse
from harness.clock import Clock
from harness.errors import Held
from harness.files import make_folder
from harness.services.ear import BELLS, task_of
from harness.services.happening import Happening, Said, shape
from harness.services.live import LISTENERS, Live
from harness.services.waiting import unless
from harness.text.words import clip

log = structlog.get_logger("listeners")

LOOK_SECONDS = 5.0  # at least so often: one that died, and one that nobody rang for
LINE_BYTES = select.PIPE_BUF  # written whole or not at all
SAID_CHARS = (LINE_BYTES - 64) // 12  # in one line: as JSON, a character may take twelve bytes
SHORTER = (300, 40, 10)  # characters of a text, where a line would be too long


class Listeners:
    """Takes up pipes as they come, and lets go of those whose reader left."""

    def __init__(self, folder: Path, live: Live, clock: Clock) -> None:
        self.folder = folder
        self.live = live
        self.pulse = Pulse(clock)
        self.telling: dict[Path, asyncio.Task[None]] = {}
        self.pipes: dict[Path, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        make_folder(self.folder)
        clear(self.folder / BELLS)
        bell = Bell(self.folder / BELLS, self.pulse.beat)
        try:
            while not stop.is_set():
                self.pulse.looks()
                self.look()
                await unless(stop, self.pulse.wait(LOOK_SECONDS))
        finally:
            bell.close()
            for telling in (tasks := list(self.telling.values())):
                telling.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def look(self) -> None:
        """Take up each pipe that is new, and end with those that nobody reads any more."""
        for path in self.folder.iterdir():
            if len(self.telling) >= LISTENERS:  # the others have their turn when one leaves
                break
            if path not in self.telling and not path.name.startswith("."):
                self.take_up(path)
        for path, pipe in self.pipes.items():
            if is_deserted(pipe):
                self.telling[path].cancel()

    def take_up(self, path: Path) -> None:
        pipe = open_pipe(path)
        if pipe is not None:
            self.pipes[path] = pipe
            self.telling[path] = asyncio.create_task(self.tell(path, pipe), name=path.name)
            self.telling[path].add_done_callback(partial(self.let_go, path, pipe))

    def let_go(self, path: Path, pipe: int, _: asyncio.Task[None]) -> None:
        del self.telling[path], self.pipes[path]
        if is_deserted(pipe):
            path.unlink(missing_ok=True)
        os.close(pipe)

    async def tell(self, path: Path, pipe: int) -> None:
        """Write to a pipe what happens in its task, for as long as somebody reads."""
        try:
            async with self.live.listen(task_of(path)) as happenings:
                async for happening in happenings:
                    for line in lines_of(happening):
                        await write_line(pipe, line)
        except (BrokenPipeError, Held) as why:  # with too many others, there may be room later
            log.debug("a listener is not told", pipe=path.name, reason=str(why))
        except Exception:  # the boundary: no other listener may suffer from it
            log.exception("a listener cannot be told", pipe=path.name)


def clear(bells: Path) -> None:
    """Remove what a daemon that died left for others to ring; there is one daemon at a time."""
    for left in bells.iterdir() if bells.is_dir() else ():
        left.unlink(missing_ok=True)


def open_pipe(path: Path) -> int | None:
    """The pipe, open for writing without waiting; None, and no file, when nobody reads it."""
    try:
        if not stat.S_ISFIFO(path.lstat().st_mode):
            return None
        opened = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        if stat.S_ISFIFO(os.fstat(opened).st_mode):
            return opened
        os.close(opened)  # something else took its place meanwhile: nothing is written there
        return None
    except FileNotFoundError:  # its process just left
        return None
    except OSError as error:
        if error.errno == errno.ENXIO:  # no reader: the process died without leaving
            path.unlink(missing_ok=True)
        return None


def is_deserted(pipe: int) -> bool:
    """Whether the last reader of a pipe is gone."""
    looking = select.poll()
    looking.register(pipe, 0)
    return bool(looking.poll(0))


async def write_line(pipe: int, line: bytes) -> None:
    """Write a line once there is room for all of it. Raises BrokenPipeError."""
    while True:
        try:
            os.write(pipe, line)
        except BlockingIOError:
            await room_in(pipe)
        else:
            return


async def room_in(pipe: int) -> None:
    """Return once a pipe takes something, or its reader is gone."""
    loop = asyncio.get_running_loop()
    free = asyncio.Event()
    loop.add_writer(pipe, free.set)
    try:
        await free.wait()
    finally:
        loop.remove_writer(pipe)


def lines_of(happening: Happening) -> Iterator[bytes]:
    """A happening as lines that a pipe takes whole."""
    if not isinstance(happening, Said):
        yield line_of(shape(happening))
        return
    for at in range(0, len(happening.text), SAID_CHARS):
        yield line_of(shape(Said(happening.text[at : at + SAID_CHARS])))


def line_of(facts: Mapping[str, Any]) -> bytes:
    """The facts as one line, with as much of their texts as it has room for."""
    for shorter in (facts, *(shortened(facts, most) for most in SHORTER)):
        line = f"{json.dumps(shorter, default=str)}\n".encode()
        if len(line) <= LINE_BYTES:
            return line
    return f"{json.dumps({'type': facts['type']})}\n".encode()


def shortened(value: Any, most: int) -> Any:
    """The value with all its texts in at most so many characters."""
    match value:
        case str():
            return clip(value, most)
        case Mapping():
            return {clip(name, most): shortened(each, most) for name, each in value.items()}
        case _:
            return value
