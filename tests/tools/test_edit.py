"""`edit`: one part for another, and only where it is certain which part is meant."""

from __future__ import annotations

import asyncio
import stat
from typing import Any

import pytest

from harness.config.home import Home
from harness.permission.action import Action, Trait
from harness.tools.context import ToolContext
from harness.tools.edit import edit
from harness.tools.tool import ToolError
from tests.tools.desk import a_desk, lay, planned, use

TEXT = "# Today\n\n- bread\n- milk\n- bread\n"


@pytest.fixture
def ctx(home: Home) -> ToolContext:
    lay(home, today=TEXT)
    return a_desk(home)


def today(home: Home) -> str:
    return (home.root / "today.md").read_bytes().decode()


async def test_the_one_place_is_changed(ctx: ToolContext, home: Home) -> None:
    (home.root / "today.md").chmod(0o640)

    output = await use(edit, ctx, path="./today.md", old="- milk\n- bread", new="- eggs")

    assert today(home) == "# Today\n\n- bread\n- eggs\n"
    assert output.text == "`today.md` is changed in line 4"
    assert stat.S_IMODE((home.root / "today.md").stat().st_mode) == 0o640


async def test_every_place_is_changed_when_that_is_meant(ctx: ToolContext, home: Home) -> None:
    output = await use(edit, ctx, path="today.md", old="bread", new="rye bread", all=True)

    assert today(home) == TEXT.replace("bread", "rye bread")
    assert output.data == {"path": "today.md", "count": 2}


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"old": "bread", "new": "x"}, r"2 times \(lines 3, 5\): take in more"),
        ({"old": "- Milk\n", "new": "x"}, "does not have that text; line 4 is like it"),
        ({"old": "  - milk", "new": "x"}, "line 4 is like it"),
        ({"old": "something else", "new": "x", "all": True}, "read the file, and copy"),
        ({"old": "milk", "new": "milk"}, "nothing to change"),
        ({"path": "today", "old": "milk", "new": "x"}, "did you mean `today.md`"),
        ({"path": "none/today.md", "old": "milk", "new": "x"}, "there is no none/today.md"),
        ({"path": "../today.md", "old": "milk", "new": "x"}, "leads out"),
    ],
)
async def test_what_is_not_certain_changes_nothing(
    ctx: ToolContext, home: Home, wish: dict[str, Any], why: str
) -> None:
    with pytest.raises(ToolError, match=why):
        await use(edit, ctx, **({"path": "today.md"} | wish))

    assert today(home) == TEXT
    assert [path.name for path in home.root.iterdir()] == ["today.md"]


async def test_places_that_overlap_are_not_certain(ctx: ToolContext, home: Home) -> None:
    lay(home, today="aXaXa")

    with pytest.raises(ToolError, match="2 times"):
        await use(edit, ctx, path="today.md", old="aXa", new="b")


async def test_line_ends_of_windows_stay(ctx: ToolContext, home: Home) -> None:
    lay(home, today="one\r\ntwo\r\nthree\r\n")

    await use(edit, ctx, path="today.md", old="one\ntwo", new="1\n2")

    assert today(home) == "1\r\n2\r\nthree\r\n"


async def test_mixed_line_ends_are_taken_as_they_are(ctx: ToolContext, home: Home) -> None:
    lay(home, today="one\ntwo\r\n")

    await use(edit, ctx, path="today.md", old="one\ntwo", new="1\n2")

    assert today(home) == "1\n2\r\n"


async def test_a_file_that_is_no_text_is_not_damaged(ctx: ToolContext, home: Home) -> None:
    (home.root / "odd").write_bytes(b"milk\xff")

    with pytest.raises(ToolError, match="UTF-8"):
        await use(edit, ctx, path="odd", old="milk", new="x")

    assert (home.root / "odd").read_bytes() == b"milk\xff"


async def test_edits_at_once_lose_nothing(ctx: ToolContext, home: Home) -> None:
    names = [f"item {number};" for number in range(20)]
    lay(home, today="".join(names))

    await asyncio.gather(
        *(use(edit, ctx, path="today.md", old=name, new=name.upper()) for name in names)
    )

    assert today(home) == "".join(names).upper()


async def test_an_edit_keeps_and_adds_marks(ctx: ToolContext, home: Home) -> None:
    lay(home, today="# T <!-- from outside: one.test -->\nmilk\n")
    ctx.taint.read_outside("two.test", "x")

    await use(edit, ctx, path="today.md", old="milk", new="eggs")

    assert today(home) == "# T <!-- from outside: one.test, two.test -->\neggs\n"


def test_the_plan_is_no_routine_and_not_done_twice(ctx: ToolContext) -> None:
    action = planned(edit, ctx, path=".//today.md", old="a", new="b")

    assert action == Action("edit", {Trait.CHANGES_STATE}, writes=("today.md",), routine=False)
    assert not edit.idempotent({"path": "today.md", "old": "a", "new": "aa"})
