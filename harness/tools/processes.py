"""Commands run as programs, without a shell: we make the pipes, and what they start ends with them.

The words that were judged are the words that run. A program is taken from the places of the
system, or by its path from the workspace; its environment is what it is given and no more.
"""

from __future__ import annotations

import asyncio
import os
import resource
import secrets
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from harness.children import child_environment
from harness.permission.commands import SAFE_PATH, resolve_program
from harness.permission.script import Script, Simple
from harness.permission.taming import tamed
from harness.tools import strays
from harness.tools.globbing import expanded
from harness.tools.outflow import Outflow
from harness.tools.redirects import Opener, open_inside, opened

NOT_FOUND, NOT_STARTED = 127, 1  # exit codes, as a shell gives them
TIMED_OUT = 124  # as `timeout` does
LIMITS = {
    resource.RLIMIT_CORE: 0,  # a core holds whatever the program knew
    resource.RLIMIT_FSIZE: 2 * 1024**3,  # bytes of one file
    resource.RLIMIT_NOFILE: 1024,
}
IDENTITY = {  # of commits: the person's own settings of git are switched off
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "harness"), ("EMAIL", "harness@localhost"))
}


class NotThere(OSError):
    """There is no such program."""


@dataclass(frozen=True)
class Finished:
    """What became of a script."""

    code: int  # of the last command that ran; 128 + n when signal n ended it
    output: str  # both streams of all commands, as they came
    cut: bool = False  # there was more output than is kept
    timed_out: bool = False


async def execute(
    script: Script,
    folder: Path,
    *,
    environment: Mapping[str, str],
    seconds: float,
    max_bytes: int,
    opener: Opener = open_inside,
) -> Finished:
    """Run the steps in `folder` and wait for them, for at most that many seconds.

    Whatever they started has ended when this returns or is cancelled. Raises OSError only when
    the machine has no pipes or processes left.
    """
    output = Outflow(max_bytes)
    run = _Run(folder, dict(environment), opener, output)
    code, timed_out = TIMED_OUT, False
    try:
        async with asyncio.timeout(seconds):
            code = await run.script(expanded(script, folder))
    except TimeoutError:
        timed_out = True
    finally:
        run.end()
        text = await asyncio.shield(run.last_words())
    return Finished(code, text, output.cut, timed_out)


def command_environment(parent: Mapping[str, str], home: Path) -> dict[str, str]:
    """What a command may know of ours: what every child may, in a home of its own, and who it
    works for where git asks."""
    own = {"PATH": ":".join(SAFE_PATH), "HOME": str(home), "TMPDIR": str(home), "TERM": "dumb"}
    return child_environment(parent) | IDENTITY | own


@dataclass
class _Run:
    """One script under way."""

    folder: Path
    environment: dict[str, str]
    opener: Opener
    output: Outflow
    mark: str = field(default_factory=lambda: secrets.token_hex(8))
    started: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def script(self, script: Script) -> int:
        code = 0
        for step in script.steps:
            if (step.joined == "&&" and code) or (step.joined == "||" and not code):
                continue
            code = await self._pipeline(step.pipeline)
            self.end()
            self.started.clear()
        return code

    async def _pipeline(self, commands: Sequence[Simple]) -> int:
        """All members run side by side; the code is that of the last."""
        members = list[asyncio.subprocess.Process | int]()
        said = self.output.writer
        with ExitStack() as ours:
            source = _kept(ours, os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
            for command in commands[:-1]:
                reader, writer = os.pipe()
                _kept(ours, reader)
                with ExitStack() as theirs:
                    _kept(theirs, writer)
                    members.append(await self._start(command, [source, writer, said]))
                source = reader
            members.append(await self._start(commands[-1], [source, said, said]))
        codes = [each if isinstance(each, int) else _code(await each.wait()) for each in members]
        return codes[-1]

    async def _start(self, command: Simple, streams: list[int]) -> asyncio.subprocess.Process | int:
        """The process, or the code of one that could not be started, with a line that says why."""
        with ExitStack() as files:
            try:
                self._lead(command, streams, files)
                return await self._spawn(command.argv, streams)
            except (OSError, ValueError) as error:
                self.output.say(f"{command.name}: {_why(error)}")
                return NOT_FOUND if isinstance(error, NotThere) else NOT_STARTED

    def _lead(self, command: Simple, streams: list[int], files: ExitStack) -> None:
        """Open the files of the redirects and put them in place."""
        for redirect in command.redirects:
            if redirect.mode == ">&":
                streams[redirect.stream] = streams[1]
            else:
                descriptor = opened(redirect, self.folder, self.opener)
                streams[redirect.stream] = _kept(files, descriptor)

    async def _spawn(
        self, argv: Sequence[str], streams: Sequence[int]
    ) -> asyncio.subprocess.Process:
        program = self._program(argv[0])
        words, added = list(argv[1:]), dict[str, str]()
        if argv[0] == "git":
            words, added = tamed(argv, self.folder, await self._config_of_git(program))
        child = await asyncio.create_subprocess_exec(
            program,
            *words,
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
            cwd=self.folder,
            env={**self.environment, **added, strays.MARK: self.mark},
            start_new_session=True,
        )
        self.started.append(child)
        _limit(child.pid)
        return child

    def _program(self, name: str) -> str:
        """The path of what runs. A path of the workspace must stay in it, links followed."""
        if "/" not in name:
            if found := resolve_program(name):
                return str(found)
            raise NotThere(f"there is no such program in {', '.join(SAFE_PATH)}")
        path, root = (self.folder / name).resolve(), self.folder.resolve()
        if name.startswith("/") or not path.is_relative_to(root):
            raise PermissionError("give the program's name, or its path within the workspace")
        return str(path)

    async def _config_of_git(self, program: str) -> list[str]:
        """The keys of the repository's config, which may name programs."""
        _, added = tamed(["git", "config"], self.folder, ())
        child = await asyncio.create_subprocess_exec(
            program,
            *("config", "--includes", "--list", "--null", "--name-only"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self.folder,
            env={**self.environment, **added, strays.MARK: self.mark},
            start_new_session=True,
        )
        self.started.append(child)
        said, _ = await child.communicate()
        return said.decode("utf-8", "surrogateescape").split("\0")

    def end(self) -> None:
        """Kill what is left: children, and whatever they started."""
        strays.end(self.mark, {child.pid for child in self.started})

    async def last_words(self) -> str:
        """The output, once all children are gone."""
        for child in self.started:
            await child.wait()
        return await self.output.text()


def _kept(stack: ExitStack, descriptor: int) -> int:
    stack.callback(os.close, descriptor)
    return descriptor


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)


def _code(returned: int) -> int:
    return returned if returned >= 0 else 128 - returned


def _limit(pid: int) -> None:
    """Bounds on what one process may take, where the system can set them from outside."""
    if not hasattr(resource, "prlimit"):
        return
    for kind, most in LIMITS.items():
        with suppress(ProcessLookupError, PermissionError):
            _, hard = resource.prlimit(pid, kind)
            bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.prlimit(pid, kind, (bound, bound))
