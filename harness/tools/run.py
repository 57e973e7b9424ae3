"""`run`: commands in the workspace, without a shell."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import Field

from harness.errors import HarnessError
from harness.files import make_folder
from harness.permission.action import Action, Trait
from harness.permission.commands import study
from harness.permission.script import Script, Simple
from harness.permission.shell import Unsafe, parse
from harness.permission.study import Study
from harness.rooted import Outside, normal
from harness.tools.context import ToolContext
from harness.tools.globbing import expanded
from harness.tools.processes import Finished, command_environment, execute
from harness.tools.tool import Output, ToolError, tool
from harness.tools.workspace import MAX_BYTES as MOST_READ
from harness.tools.workspace import whose

MAX_BYTES = 200_000  # of output
LONGEST = 600  # seconds
NAMES_ALONE = {"find", "ls", "du", "tree"}  # of what lies below a folder they show no content
NAMES_OF_GIT = {"branch", "tag", "remote", "describe", "rev-parse", "ls-files", "ls-tree"}
UNLESS_PATCHED = {"status", "log", "shortlog", "reflog"}  # these do so without certain options
_PATCHED = re.compile(
    r"--(patch|unified|cc|dd|word-diff|color-words|binary|check|verbose|remerge-diff|diff-merges).*"
    r"|-[^-]*[cmpuvGLSU].*"
)
_INDEX = re.compile(rb"DIRC\0\0\0[\2\3]")  # a list of whole paths; other versions shorten them
_PATHS = re.compile(rb"[^\x00-\x1f\x7f]{4,}(?=\0)")
LOOKED_AT = 5_000  # entries below a folder that is read as a whole


def only_reads(arguments: Mapping[str, Any]) -> bool:
    """Whether the call is known to change nothing, so that it may be made twice."""
    try:
        return all(study(command).reads_only for command in parsed(arguments["command"]).commands)
    except (Unsafe, KeyError, TypeError):
        return False


def foreseen(ctx: ToolContext, action: Action, arguments: Any) -> Action:
    """What the commands would touch. Raises Unsafe, ToolError for what leads out of the
    workspace."""
    script = expanded(parsed(arguments.command), ctx.workspace.folder)
    commands = list(every(script.commands))
    studies = [study(command) for command in commands]
    reads = [inside(ctx, path) for each in studies for path in each.reads]
    for command, each in zip(commands, studies, strict=True):
        if each.deep and shows_contents(command):
            refuse_hidden(ctx, command, [inside(ctx, path) for path in each.reads])
    looks = all(each.reads_only for each in studies)
    traits = {Trait.READS_PRIVATE}
    if not looks:
        traits |= {Trait.CHANGES_STATE, Trait.SENDS_OUT}
    if any(each.danger for each in studies):
        traits |= {Trait.READS_UNTRUSTED}
    return replace(
        action,
        script=script,
        traits=traits,
        reads=tuple(reads),
        writes=() if looks else tuple(written(ctx, studies)),
        routine=looks,
    )


@tool(
    parallel=False,
    idempotent=only_reads,
    repeatable=True,
    timeout=LONGEST + 15,
    max_chars=30_000,
    traits={Trait.READS_PRIVATE, Trait.CHANGES_STATE, Trait.READS_UNTRUSTED, Trait.SENDS_OUT},
    plan=foreseen,
)
async def run(
    ctx: ToolContext,
    command: Annotated[
        str,
        Field(
            min_length=1,
            max_length=8_000,
            description="One command, or several joined by |, && , || or ;.",
        ),
    ],
    seconds: Annotated[int, Field(ge=1, le=LONGEST, description="How long it may take.")] = 120,
) -> Output:
    """Run a command in the workspace. There is no shell: no variables, substitutions, loops or
    background; give paths relative to the workspace. Commands that only look are run at once;
    others need a rule of the person's, or the person is asked."""
    script = expanded(parsed(command), ctx.workspace.folder)
    home = ctx.spill.parent / f"home-{ctx.agent}"
    await asyncio.to_thread(make_folder, home)
    done = await execute(
        script,
        ctx.workspace.folder,
        environment=command_environment(os.environ, home),
        seconds=seconds,
        max_bytes=MAX_BYTES,
    )
    data = {"code": done.code, "timed_out": done.timed_out}
    source = await asyncio.to_thread(source_of, ctx, script)
    return Output(done.output or "(no output)", data, source, how(done, seconds))


def how(done: Finished, seconds: int) -> str:
    """How it ended, in one line."""
    cut = f"; only the first {MAX_BYTES:,} bytes are kept" if done.cut else ""
    ended = f"it did not end within {seconds} s" if done.timed_out else f"exit code {done.code}"
    return f"[{ended}{cut}]"


@lru_cache(maxsize=200)
def parsed(command: str) -> Script:
    return parse(command)


def every(commands: Iterable[Simple]) -> Iterator[Simple]:
    """The commands, and those that they run in their turn."""
    for command in commands:
        yield command
        yield from every(study(command).inner)


def written(ctx: ToolContext, studies: Iterable[Study]) -> Iterator[str]:
    for each in studies:
        yield from (inside(ctx, path) for path in each.writes)


def inside(ctx: ToolContext, path: str) -> str:
    """The normal form of a path that a command names. Raises ToolError when it leads out, also
    by a link."""
    try:
        way = normal(path)
    except Outside as error:
        raise ToolError(f"{error}; commands stay in the workspace") from error
    real = Path(os.path.realpath(ctx.workspace.folder / way))
    if not real.is_relative_to(ctx.workspace.folder):
        raise ToolError(f"`{path}` leads out of the workspace by a symbolic link")
    return real.relative_to(ctx.workspace.folder).as_posix()


def shows_contents(command: Simple) -> bool:
    """Whether a command that goes through a whole folder shows more than names."""
    if command.name == "git":
        given = next((word for word in command.argv[1:] if not word.startswith("-")), "")
        patched = any(map(_PATCHED.fullmatch, command.argv[1:]))
        return given not in NAMES_OF_GIT and (patched or given not in UNLESS_PATCHED)
    return command.name not in NAMES_ALONE


def refuse_hidden(ctx: ToolContext, command: Simple, folders: Iterable[str]) -> None:
    """Raise ToolError when what the command shows is something that the agent may not read."""
    git = command.name == "git"
    paths = limited(tracked(ctx), command) if git else below(ctx, folders)
    if command.name == "diff":  # it alone follows the links that it comes across
        paths = chain(paths, linked(ctx, folders))
    for seen, path in enumerate(paths):
        if seen > LOOKED_AT or ctx.hidden(path):
            how = "name them behind ` -- `" if git else "name the files that you mean"
            raise ToolError(
                f"`{command.name}` would show what you may not read, or too much to tell; {how},"
                " or use the tools `grep` and `glob`, which leave it out"
            )


def below(ctx: ToolContext, folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        if (ctx.workspace.folder / folder).is_dir():
            yield from ctx.workspace.walk(folder)


def linked(ctx: ToolContext, folders: Iterable[str]) -> Iterator[str]:
    """Where the links in folders lead. Raises ToolError for one that leads out."""
    for folder in folders:
        place = ctx.workspace.folder / folder
        for path in place.iterdir() if place.is_dir() else ():
            if path.is_symlink():
                yield inside(ctx, path.relative_to(ctx.workspace.folder).as_posix())


def tracked(ctx: ToolContext) -> Iterator[str]:
    """What may be the paths of files that git keeps: its index holds each before a zero byte.
    Raises ToolError where the index is elsewhere, in parts, or of another form."""
    place = ctx.workspace.folder / ".git"
    if not place.exists():
        return
    index = b""
    with suppress(OSError):
        index = (place / "index").read_bytes()
    if not _INDEX.match(index) or any(place.glob("sharedindex.*")):
        raise ToolError(
            "which files git keeps cannot be told here, so what it would show may be what you may"
            " not read; use the tools `read` and `grep`"
        )
    for found in _PATHS.findall(index):
        text = found.decode("utf-8", "replace")
        yield from (text[start:] for start in range(3))  # the length before it may be printable


def limited(paths: Iterator[str], command: Simple) -> Iterator[str]:
    """Those of the paths that git is asked about: all, unless plain ones stand behind ` -- `."""
    words = [word.text for word in command.words]
    asked = words[words.index("--") + 1 :] if "--" in words else []
    if not asked or any(word.startswith(":") or set(word) & set("*?[\\") for word in asked):
        yield from paths
        return
    plain = [PurePosixPath(word).as_posix() for word in asked]
    if "." in plain:
        yield from paths
        return
    for path in paths:
        if any(path == each or path.startswith(f"{each}/") for each in plain):
            yield path


def source_of(ctx: ToolContext, script: Script) -> str:
    """Whose words the output is: of a program that may reach anything nobody knows."""
    studies = [study(command) for command in every(script.commands)]
    if any(each.danger for each in studies):
        return "the output of a command"
    return next(filter(None, (whose_file(ctx, path) for path in looked_at(ctx, studies))), "")


def looked_at(ctx: ToolContext, studies: Iterable[Study]) -> Iterator[str]:
    """The files that commands read, as far as it can be told."""
    for each in studies:
        paths = [inside(ctx, path) for path in each.reads]
        yield from paths
        if each.deep:
            yield from islice(below(ctx, paths), LOOKED_AT)


def whose_file(ctx: ToolContext, path: str) -> str:
    """The path of a file that holds words from outside the house; empty for any other."""
    text = ""
    with suppress(HarnessError):  # no file, or no text
        text = ctx.workspace.read_text(path, MOST_READ)
    return whose(ctx, path, text)
