"""Strangers' pages are read in a process that ends with the wish for it."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

from harness.tools import article_reader
from harness.tools.article import extract
from harness.tools.article_reader import read_article
from harness.tools.tool import ToolError

TANGLE = "<div>" * 400_000  # the parser's time grows with the square: minutes
PAGE = (
    "<title>T</title><article><h1>A</h1><p>Zo\u00eb \ud83d reads <a href=/>this</a>.</p></article>"
)


def readers() -> set[str]:
    """The processes of this test that read a page."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if b"article_process" in command and parent == str(Path("/proc/self").resolve().name):
            found.add(folder.name)
    return found


async def test_what_comes_back_is_what_the_parser_finds() -> None:
    assert await read_article(PAGE) == extract(PAGE.replace("\ud83d", "?"))


async def test_a_page_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(article_reader, "PATIENCE", 0.3)

    with pytest.raises(ToolError, match="too tangled"):
        await read_article(TANGLE)

    assert not readers()


async def test_cancelling_ends_the_process_at_once() -> None:
    reading = asyncio.create_task(read_article(TANGLE))
    while not readers():
        await asyncio.sleep(0.01)

    began = time.monotonic()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)

    assert time.monotonic() - began < 3
    assert not readers()


async def test_the_process_sees_nothing_of_our_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    show = "import json, os; print(json.dumps(dict(title=str(os.environ), text='', links=0)))"
    monkeypatch.setattr(article_reader, "COMMAND", (sys.executable, "-c", show))
    monkeypatch.setenv("SOME_API_KEY", "c4nary")
    monkeypatch.setenv("PLAIN_NAME", "c4nary")

    seen = (await read_article(PAGE)).title

    assert "c4nary" not in seen
    assert "PYTHONPATH" in seen
    assert "HOME" not in seen


async def test_a_process_that_dies_is_a_page_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(article_reader, "COMMAND", ("sh", "-c", "kill -SEGV $$"))

    with pytest.raises(ToolError, match="too tangled"):
        await read_article(PAGE)
