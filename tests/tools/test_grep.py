"""`grep`: lines that a pattern fits, whatever the pattern is up to."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.home import Home
from harness.config.rules import Rules, parse_rule
from harness.permission.policy import read_by_name
from harness.tools import grep as room
from harness.tools.context import ToolContext
from harness.tools.grep import grep
from harness.tools.grep_process import LONGEST_LINE, excerpt
from harness.tools.run import run
from harness.tools.tool import ToolError
from tests.tools.desk import a_desk, lay, planned, use

HOSTILE = r"(a+)+$"
TRAP = "a" * 60 + "!"


@pytest.fixture
def ctx(home: Home) -> ToolContext:
    lay(home, notes__a="one\nbread and milk\r\n", notes__b__c="Bread", memory__zoe__MEMORY="bread")
    (home.root / "list.txt").write_text("x\nbread")
    return a_desk(home)


async def test_lines_come_with_file_and_number(ctx: ToolContext) -> None:
    output = await use(grep, ctx, pattern="br.ad")

    assert output.text == "list.txt:2: bread\nnotes/a.md:2: bread and milk"
    assert output.data[0] == {"file": "list.txt", "line": 2, "text": "bread"}
    assert output.remark == output.source == ""


@pytest.mark.parametrize(
    ("wish", "files"),
    [
        ({"ignore_case": True}, ["list.txt", "notes/a.md", "notes/b/c.md"]),
        ({"path": "notes"}, ["notes/a.md"]),
        ({"path": "./list.txt"}, ["list.txt"]),
        ({"files": "*.txt"}, ["list.txt"]),
        ({"files": "notes/**"}, ["notes/a.md"]),
        ({"files": "*.py"}, []),
        ({"path": "memory/zoe"}, []),
    ],
)
async def test_where_is_searched_can_be_said(
    ctx: ToolContext, wish: dict[str, str], files: list[str]
) -> None:
    output = await use(grep, ctx, pattern="bread", **wish)

    assert [row["file"] for row in output.data] == files


async def test_what_a_rule_forbids_or_asks_about_is_passed_by(ctx: ToolContext) -> None:
    rules = Rules(deny=[parse_rule("read(notes/b/**)")], ask=[parse_rule("read(list.txt)")])
    held = replace(ctx, by_name=read_by_name([rules]))

    output = await use(grep, held, pattern="(?i)bread")

    assert output.text == "notes/a.md:2: bread and milk"
    with pytest.raises(ToolError, match="may not read"):
        planned(run, held, command="grep -r bread notes")


async def test_nothing_found_says_so(ctx: ToolContext) -> None:
    assert (await use(grep, ctx, pattern="eggs")).text == "nothing found in 3 files"


async def test_more_than_the_limit_is_told(ctx: ToolContext) -> None:
    exact = await use(grep, ctx, pattern="bread", limit=2)
    fewer = await use(grep, ctx, pattern="bread", limit=1)

    assert (len(exact.data), exact.remark) == (2, "")
    assert len(fewer.data) == 1
    assert "more than 1 lines" in fewer.remark


async def test_what_is_no_text_is_passed_by_and_told(ctx: ToolContext, home: Home) -> None:
    (home.root / "binary").write_bytes(b"bread\0")
    (home.root / "twin").hardlink_to(home.root / "list.txt")
    (home.root / "link").symlink_to("notes/a.md")
    os.mkfifo(home.root / "pipe")

    output = await use(grep, ctx, pattern="bread")

    assert [row["file"] for row in output.data] == ["notes/a.md"]
    assert "3 files were passed by" in output.remark  # both names of one file, too


@pytest.mark.parametrize("pattern", ["(", "*", "[z-a]", "(?P<a>x)(?P<a>y)"])
async def test_a_pattern_that_is_none_is_told(ctx: ToolContext, pattern: str) -> None:
    with pytest.raises(ToolError, match="is no regular expression"):
        await use(grep, ctx, pattern=pattern)


async def test_a_pattern_that_never_ends_is_given_up_and_the_house_goes_on(
    ctx: ToolContext, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "PATIENCE", 1.0)
    lay(home, notes__z=TRAP, a="aaa")
    ticks = 0

    searching = asyncio.create_task(use(grep, ctx, pattern=HOSTILE))
    while not searching.done():
        await asyncio.sleep(0.01)
        ticks += 1
    output = await searching

    assert ticks > 10
    assert "given up before the end" in output.remark
    assert [row["file"] for row in output.data] == ["a.md"]
    assert not searchers()


async def test_cancelling_ends_the_process(ctx: ToolContext, home: Home) -> None:
    lay(home, notes__z=TRAP)
    searching = asyncio.create_task(use(grep, ctx, pattern=HOSTILE, path="notes/z.md"))
    while not searchers():
        await asyncio.sleep(0.01)

    searching.cancel()
    await asyncio.gather(searching, return_exceptions=True)

    assert not searchers()


def searchers() -> set[str]:
    """The processes of this test that search."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if b"grep_process" in command and parent == str(os.getpid()):
            found.add(folder.name)
    return found


async def test_a_process_that_dies_is_no_end_of_the_house(
    ctx: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "COMMAND", ("sh", "-c", "kill -SEGV $$"))

    assert "given up" in (await use(grep, ctx, pattern="bread")).remark


async def test_a_long_line_is_searched_at_its_beginning(ctx: ToolContext, home: Home) -> None:
    lay(home, long="." * (LONGEST_LINE - 3) + "eggs", near="." * 500 + "eggs" + "." * 500)

    output = await use(grep, ctx, pattern="eggs")

    assert output.text == f"near.md:1: …{'.' * 100}eggs{'.' * 196}…"


def test_an_excerpt_has_what_was_found() -> None:
    assert excerpt("short", 3) == "short"
    assert excerpt("x" + "." * 400, 0) == "x" + "." * 299 + "…"


async def test_words_from_outside_come_with_their_source(ctx: ToolContext, home: Home) -> None:
    lay(home, archive__x="eggs", page="# P <!-- from outside: feed.test -->\neggs", own="eggs")

    output = await use(grep, ctx, pattern="eggs")

    assert output.source == "page.md, archive/x.md"


@pytest.mark.parametrize("wish", [{"path": ".."}, {"path": "/etc"}, {"files": "../*"}])
async def test_no_search_leads_out(ctx: ToolContext, wish: dict[str, str]) -> None:
    with pytest.raises(ToolError, match="no path to be used"):
        await use(grep, ctx, pattern="x", **wish)


def test_the_plan_names_what_is_looked_through(ctx: ToolContext) -> None:
    assert planned(grep, ctx, pattern="../x", path="./memory//zoe").reads == ("memory/zoe",)
