"""`glob`: the files whose paths fit, and none that are nobody's business."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from harness.config.home import Home
from harness.tools import glob as room
from harness.tools.context import ToolContext
from harness.tools.glob import glob
from harness.tools.patterns import fits, start_of
from harness.tools.tool import ToolError
from tests.tools.desk import a_desk, lay, planned, use


@pytest.fixture
def ctx(home: Home) -> ToolContext:
    lay(home, top="x", notes__a="x", notes__b__c="x", memory__ainews__MEMORY="mine")
    lay(home, memory__zoe__MEMORY="hers")
    return a_desk(home)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.md", ["top.md"]),
        ("./notes//*.md", ["notes/a.md"]),
        ("notes/**", ["notes/a.md", "notes/b/c.md"]),
        ("**/c.md", ["notes/b/c.md"]),
        ("**/*.MD", ["memory/ainews/MEMORY.md", "notes/a.md", "notes/b/c.md", "top.md"]),
        ("notes/a.md", ["notes/a.md"]),
        ("notes/[!b].md", ["notes/a.md"]),
        ("nowhere/*", []),
        ("memory/zoe/*", []),
    ],
)
async def test_what_fits_is_found(ctx: ToolContext, pattern: str, found: list[str]) -> None:
    output = await use(glob, ctx, pattern=pattern)

    assert output.data == found
    assert output.text == ("\n".join(found) or f"no file fits {planned_form(pattern)}")


def planned_form(pattern: str) -> str:
    return str(Path(pattern))


async def test_what_belongs_to_git_and_the_house_is_left_out(ctx: ToolContext, home: Home) -> None:
    for name in (".git/config", ".Harness/token", "notes/.git/x.md", "notes/.env"):
        path = home.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")

    assert (await use(glob, ctx, pattern="**/.*")).data == []
    assert (await use(glob, ctx, pattern=".git/*")).data == []
    assert (await use(glob, ctx, pattern="notes/.git/*")).data == []


async def test_no_link_is_followed(ctx: ToolContext, home: Home, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.md").write_text("x")
    (home.root / "out").symlink_to(tmp_path / "outside")
    (home.root / "notes" / "up").symlink_to("..")

    assert (await use(glob, ctx, pattern="**/x.md")).data == []
    with pytest.raises(ToolError, match="symbolic link"):
        await use(glob, ctx, pattern="out/*")


@pytest.mark.parametrize("pattern", ["../*", "/etc/*", "~/*", "a/../*", "", "a\0*"])
async def test_no_pattern_leads_out(ctx: ToolContext, pattern: str) -> None:
    with pytest.raises(ToolError, match="no path to be used"):
        await use(glob, ctx, pattern=pattern)


async def test_what_is_too_much_is_told(ctx: ToolContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_FILES", 2)

    output = await use(glob, ctx, pattern="**/*", limit=1)

    assert output.data == ["notes/a.md"] or output.data == ["memory/ainews/MEMORY.md"]
    assert "1 of 2 are shown" in output.remark
    assert "only the first 2 files" in output.remark


def test_the_plan_names_the_folder_that_is_looked_through(ctx: ToolContext) -> None:
    assert planned(glob, ctx, pattern="memory/zoe/**/*.md").reads == ("memory/zoe",)
    assert planned(glob, ctx, pattern="*.md").reads == (".",)


@pytest.mark.parametrize(
    ("pattern", "path", "whether"),
    [
        *(("a/**/b", "a/b", True), ("a/**/b", "a/x/y/b", True), ("a/**/b", "a/x", False)),
        *(("**", "a/b", True), ("**/**", "a", True), ("*", "a/b", False), ("a", "a/b", False)),
        *(("Ä.md", "a\u0308.md", True), ("a/b", "a", False), ("**/a/**", "x/a/y", True)),
    ],
)
def test_a_pattern_means_what_it_says(pattern: str, path: str, whether: bool) -> None:
    assert fits(pattern, path) is whether


@pytest.mark.parametrize(
    ("pattern", "start"),
    [("a/b/*.md", "a/b"), ("a*/b", "."), ("**", "."), ("a/b", "a"), ("a", "."), (".", ".")],
)
def test_a_search_begins_where_it_can(pattern: str, start: str) -> None:
    assert start_of(pattern) == start


def test_a_pattern_that_means_harm_costs_little() -> None:
    began = time.process_time()

    fits("**/" * 15 + "*a" * 170 + "b/**", "/".join(["a" * 250] * 16))
    fits("*a" * 190 + "b", "a" * 255)

    assert time.process_time() - began < 1
