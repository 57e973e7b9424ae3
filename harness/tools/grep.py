"""`grep`: the lines in files of the workspace that a regular expression fits."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import Field

import harness
from harness.permission.action import Trait
from harness.tools.context import ToolContext
from harness.tools.grep_process import PATIENCE
from harness.tools.patterns import fits
from harness.tools.tool import Output, ToolError, tool
from harness.tools.workspace import (
    MAX_BYTES,
    MOST_FILES,
    files_below,
    left_out,
    plain,
    reading,
    work,
)

COMMAND = (sys.executable, "-P", "-m", "harness.tools.grep_process")
PLACE = {"PYTHONPATH": str(Path(harness.__file__).parents[1])}  # and nothing of ours besides


@dataclass(frozen=True)
class Search:
    """What a search came back with."""

    rows: list[dict[str, Any]]  # file, line, text, outside
    passed: int = 0  # files that are no text, or too large
    more: bool = False  # there are lines beyond the limit
    ended: bool = True  # False: it took too long


@tool(timeout=60, traits={Trait.READS_PRIVATE}, plan=reading)
async def grep(
    ctx: ToolContext,
    pattern: Annotated[str, Field(min_length=1, max_length=1_000, description="Python's `re`.")],
    path: Annotated[str, Field(description="A folder or a file of the workspace.")] = ".",
    files: Annotated[
        str, Field(max_length=400, description="Only files that fit, such as *.md or notes/**.")
    ] = "",
    ignore_case: Annotated[bool, Field(description="Capitals and small letters alike.")] = False,
    limit: Annotated[int, Field(ge=1, le=500, description="How many lines.")] = 100,
) -> Output:
    """Lines in the text files of your workspace that a regular expression fits, as `file:line:
    text`. It looks at one line at a time."""
    place = plain(path)
    wanted = plain(files) if files else ""
    paths, whole = await work(paths_below, ctx, place, wanted)
    found = await search(ctx.workspace.folder, paths, pattern, ignore_case, limit)
    remarks = [*told(found, limit)]
    if not whole:
        remarks.append(f"only the first {MOST_FILES} files were looked at")
    lines = [f"{row['file']}:{row['line']}: {row['text']}" for row in found.rows]
    return Output(
        "\n".join(lines) or f"nothing found in {len(paths)} files",
        [{key: row[key] for key in ("file", "line", "text")} for row in found.rows],
        source=outside(ctx, found.rows),
        remark="\n".join(f"[{remark}]" for remark in remarks),
    )


def paths_below(ctx: ToolContext, path: str, files: str) -> tuple[list[str], bool]:
    """The files to be searched, and whether these are all. Raises as Root does."""
    if left_out(ctx, path):
        return [], True
    if ctx.workspace.is_file(path):
        return [path], True
    found = list(islice(files_below(ctx, path), MOST_FILES + 1))
    return [each for each in found[:MOST_FILES] if wanted(files, each)], len(found) <= MOST_FILES


def wanted(files: str, path: str) -> bool:
    """Whether a path, or its name for a pattern without folders, is one to search in."""
    return not files or fits(files, path if "/" in files else PurePosixPath(path).name)


async def search(
    folder: Path, files: list[str], pattern: str, ignore_case: bool, limit: int
) -> Search:
    """Search in a process that ends with this call. Raises ToolError for a pattern that is none.

    The files are opened there anew, with the same care as here.
    """
    if not files:
        return Search([])
    wish = {"folder": str(folder), "files": files, "pattern": pattern, "limit": limit}
    wish |= {"ignore_case": ignore_case, "max_bytes": MAX_BYTES}
    said = [json.loads(line) for line in await answers(json.dumps(wish).encode())]
    if said and "fault" in said[0]:
        raise ToolError(f"the pattern is no regular expression: {said[0]['fault']}")
    if said and "passed" in said[-1]:
        return Search(said[:-1], said[-1]["passed"], said[-1]["more"])
    return Search(said, ended=False)


async def answers(wish: bytes) -> list[bytes]:
    """The whole lines that the process wrote until it ended, or until patience did."""
    child = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=PLACE, start_new_session=True
    )
    assert child.stdin is not None, "it was asked for"
    assert child.stdout is not None, "it was asked for"
    said = bytearray()
    try:
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(PATIENCE):
                child.stdin.write(wish)
                await child.stdin.drain()
                child.stdin.close()
                while piece := await child.stdout.read(65_536):
                    said += piece
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    return bytes(said).splitlines(keepends=True)[: bytes(said).count(b"\n")]


def told(found: Search, limit: int) -> list[str]:
    """What a reader has to know about the lines."""
    remarks = []
    if not found.ended:
        remarks.append(
            "given up before the end: the pattern takes too much time. Make it simpler, without"
            " repetitions of repetitions, or search in fewer files"
        )
    if found.more:
        remarks.append(f"there are more than {limit} lines: make the pattern narrower")
    if found.passed:
        remarks.append(f"{found.passed} files were passed by: no text, or too large")
    return remarks


def outside(ctx: ToolContext, rows: list[dict[str, Any]]) -> str:
    """The files among them that hold words from outside the house."""
    names = dict.fromkeys(
        row["file"] for row in rows if row["outside"] or ctx.places.is_outside(row["file"])
    )
    return ", ".join([*names][:3])
