"""`read`: a file of the workspace, exactly as it is."""

from __future__ import annotations

import os

import pytest

from harness.config.home import Home
from harness.models.port import ToolCall
from harness.permission.action import Action, Trait
from harness.tools.context import ToolContext
from harness.tools.glob import glob
from harness.tools.grep import grep
from harness.tools.read import read
from harness.tools.tool import ToolError
from harness.tools.toolbox import Toolbox
from harness.tools.workspace import MAX_BYTES
from tests.tools.desk import a_desk, lay, planned, use
from tests.tools.using import a_gate


@pytest.fixture
def ctx(home: Home) -> ToolContext:
    lay(home, notes__today="one\n\ttwo  \nthree\n", notes__empty="")
    return a_desk(home)


async def test_a_file_comes_as_it_is(ctx: ToolContext) -> None:
    output = await use(read, ctx, path="./notes//today.md")

    assert output.text == "one\n\ttwo  \nthree"
    assert output.data == {"path": "notes/today.md", "lines": 3, "offset": 1, "end": 3}
    assert (output.remark, output.source) == ("", "")


@pytest.mark.parametrize(
    ("arguments", "text", "remark"),
    [
        ({"limit": 2}, "one\n\ttwo  ", "[lines 1 to 2 of 3; offset=3 reads on]"),
        ({"offset": 2, "limit": 1}, "\ttwo  ", "[lines 2 to 2 of 3; offset=3 reads on]"),
        ({"offset": 3}, "three", "[lines 3 to 3 of 3]"),
    ],
)
async def test_a_part_says_where_to_read_on(
    ctx: ToolContext, arguments: dict[str, int], text: str, remark: str
) -> None:
    output = await use(read, ctx, path="notes/today.md", **arguments)

    assert (output.text, output.remark) == (text, remark)


async def test_an_empty_file_says_that_it_is(ctx: ToolContext) -> None:
    assert (await use(read, ctx, path="notes/empty.md")).remark == "[the file is empty]"


async def test_past_the_end_is_told(ctx: ToolContext) -> None:
    with pytest.raises(ToolError, match="has 3 lines: offset 4 is past its end"):
        await use(read, ctx, path="notes/today.md", offset=4)


async def test_a_near_miss_gets_the_name_that_was_meant(ctx: ToolContext) -> None:
    with pytest.raises(ToolError, match=r"no notes/todai\.md; did you mean `today\.md`"):
        await use(read, ctx, path="notes/todai.md")
    with pytest.raises(ToolError, match="glob finds files"):
        await use(read, ctx, path="nowhere/at-all")


async def test_no_suggestion_tells_of_what_is_hidden(ctx: ToolContext, home: Home) -> None:
    lay(home, memory__zoe__MEMORY="hers", notes__secret="x")
    (home.root / "notes" / "prod.env").write_text("KEY=1")

    for path in ("memory/zoe/MEMORI.md", "notes/prot.env"):
        with pytest.raises(ToolError, match="glob finds files"):
            await use(read, ctx, path=path)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        *(("notes", "is a folder"), (".", "is a folder"), ("../x", "leads out"), ("", "is empty")),
        *(("/etc/passwd", "give a relative one"), ("~/x", "give a relative one")),
        *(("binary", "zero bytes"), ("latin", "UTF-8"), ("huge", "too large")),
        *(("link", "symbolic link"), ("pipe", "no plain file"), ("twin", "second name")),
    ],
)
async def test_what_cannot_be_read_is_told_in_words(
    ctx: ToolContext, home: Home, path: str, why: str
) -> None:
    root = home.root
    (root / "binary").write_bytes(b"\x7fELF\0\0")
    (root / "latin").write_bytes("Zoë".encode("latin-1"))
    (root / "huge").write_bytes(b"x" * (MAX_BYTES + 1))
    (root / "link").symlink_to("/etc/passwd")
    (root / "twin").hardlink_to(root / "notes" / "today.md")
    os.mkfifo(root / "pipe")

    with pytest.raises(ToolError, match=why):
        await use(read, ctx, path=path)


async def test_words_from_outside_come_with_their_source(ctx: ToolContext, home: Home) -> None:
    lay(home, archive__2026__digest="x", notes__page="# P <!-- from outside: feed.test -->\ny")

    for path in ("archive/2026/digest.md", "notes/page.md"):
        assert (await use(read, ctx, path=path)).source == path


def test_the_plan_names_the_path_that_is_opened(ctx: ToolContext) -> None:
    action = planned(read, ctx, path="./notes//today.md")

    assert action == Action("read", {Trait.READS_PRIVATE}, reads=("notes/today.md",))
    with pytest.raises(ToolError, match="leads out"):
        planned(read, ctx, path="a/../b")


@pytest.mark.parametrize(
    "path",
    ["memory/zoe/MEMORY.md", "Memory//ZOE/MEMORY.md", ".harness/token", "notes/.ENV", "memory/zoe"],
)
async def test_no_mode_reads_what_is_hidden(ctx: ToolContext, home: Home, path: str) -> None:
    lay(home, memory__zoe__MEMORY="hers")
    box = Toolbox([read, grep, glob], ctx, a_gate(ctx, "bypass"))

    results = [
        await box.call(ToolCall("1", "read", {"path": path})),
        await box.call(ToolCall("2", "grep", {"path": path, "pattern": "."})),
        await box.call(ToolCall("3", "glob", {"pattern": f"{path}/*"})),
    ]

    assert [result.ok for result in results] == [False] * 3
    assert all("is not read" in result.text for result in results)
