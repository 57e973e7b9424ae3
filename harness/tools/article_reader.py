"""Strangers' pages, each read in a process that can be ended: see `article_process`."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import harness
from harness.tools.article import Article
from harness.tools.article_process import PATIENCE
from harness.tools.tool import ToolError

COMMAND = (sys.executable, "-P", "-m", "harness.tools.article_process")
PLACE = {"PYTHONPATH": str(Path(harness.__file__).parents[1])}  # and nothing of ours besides


async def read_article(html: str) -> Article:
    """The main text of a page. Raises ToolError for one that takes too long or breaks the
    parser; whoever is cancelled here leaves no process behind."""
    child = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=PLACE, start_new_session=True
    )
    try:
        async with asyncio.timeout(PATIENCE):
            said, _ = await child.communicate(html.encode("utf-8", "replace"))
    except TimeoutError:
        raise too_tangled() from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        raise too_tangled()
    return Article(**json.loads(said))


def too_tangled() -> ToolError:
    return ToolError("the page is too large or too tangled to be read")
