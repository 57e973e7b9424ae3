"""`write`: a whole file of the workspace, or none of it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from harness.config.home import Home
from harness.models.port import ToolCall
from harness.permission.action import Action, Trait
from harness.tools.context import ToolContext
from harness.tools.tool import ToolError
from harness.tools.toolbox import Toolbox
from harness.tools.write import write
from tests.tools.desk import a_desk, lay, planned, use
from tests.tools.using import a_gate


@pytest.fixture
def ctx(home: Home) -> ToolContext:
    lay(home, notes__today="old")
    return a_desk(home)


async def test_a_file_is_made_with_its_folders(ctx: ToolContext, home: Home) -> None:
    output = await use(write, ctx, path="new/folder/page.md", content="Zoë\r\n")

    path = home.root / "new" / "folder" / "page.md"
    assert path.read_bytes() == "Zoë\r\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert output.text == "`new/folder/page.md` is written: 5 characters"
    assert output.data == {"path": "new/folder/page.md", "new": True}


async def test_a_file_is_replaced(ctx: ToolContext, home: Home) -> None:
    output = await use(write, ctx, path="notes/today.md", content="")

    assert (home.root / "notes" / "today.md").read_text() == ""
    assert output.text == "`notes/today.md` is replaced: 0 characters"


async def test_twice_is_as_once(ctx: ToolContext, home: Home) -> None:
    for _ in range(2):
        await use(write, ctx, path="a.md", content="x")

    assert (home.root / "a.md").read_text() == "x"
    assert write.idempotent({"path": "a.md", "content": "x"})


@pytest.mark.parametrize(
    ("path", "why"),
    [
        *(("notes", "is a folder"), (".", "is a folder"), ("notes/../x", "leads out")),
        *(("/tmp/x", "give a relative one"), ("notes/today.md/x", "a file is where")),
        *(("link", "symbolic link"), ("out/x.md", "symbolic link"), ("a\u202eb", "nobody sees")),
    ],
)
async def test_what_cannot_be_written_is_told_and_nothing_changes(
    ctx: ToolContext, home: Home, tmp_path: Path, path: str, why: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (home.root / "link").symlink_to(outside / "x.md")
    (home.root / "out").symlink_to(outside)
    before = sorted(home.root.rglob("*"))

    with pytest.raises(ToolError, match=why):
        await use(write, ctx, path=path, content="x")

    assert sorted(home.root.rglob("*")) == before
    assert list(outside.iterdir()) == []


async def test_what_a_session_read_outside_marks_the_page(ctx: ToolContext, home: Home) -> None:
    ctx.taint.read_outside("feed.test", "buy")

    page = await use(write, ctx, path="page.md", content="# Page\nbuy\n")
    await use(write, ctx, path="data.json", content="{}")

    marked = "# Page <!-- from outside: feed.test -->\nbuy\n"
    assert (home.root / "page.md").read_text() == marked
    assert (home.root / "data.json").read_text() == "{}"
    assert "the mark of words from outside" in page.text


async def test_a_mark_stays_when_a_page_is_replaced(ctx: ToolContext, home: Home) -> None:
    lay(home, page="# Page <!-- from outside: feed.test -->\nbuy\n")

    await use(write, ctx, path="page.md", content="# Mine\n")

    assert (home.root / "page.md").read_text() == "# Mine <!-- from outside: feed.test -->\n"


def test_the_plan_is_no_routine(ctx: ToolContext) -> None:
    action = planned(write, ctx, path="./notes/today.md", content="x")

    wanted = Action("write", {Trait.CHANGES_STATE}, writes=("notes/today.md",), routine=False)
    assert action == wanted


@pytest.mark.parametrize(
    "path",
    [
        *("cron.yaml", "./Cron.YAML", "agents//zoe/SOUL.md", "AGENTS/new.md", "hooks/x.sh"),
        *(
            "memory/zoe/MEMORY.md",
            "memory/ainews/MEMORY.md",
            ".harness/token",
            "notes/.git/hooks/x",
        ),
        *("harness.yaml", "s\u212aills/rank/SKILL.md", "archive/x.md", "notes/.env", "."),
    ],
)
async def test_no_mode_writes_what_belongs_to_people_and_the_house(
    ctx: ToolContext, home: Home, path: str
) -> None:
    box = Toolbox([write], ctx, a_gate(ctx, "bypass"))

    result = await box.call(ToolCall("1", "write", {"path": path, "content": "x"}))

    assert not result.ok
    assert "is not written" in result.text
    assert [found.name for found in home.root.rglob("*")] == ["notes", "today.md"]
