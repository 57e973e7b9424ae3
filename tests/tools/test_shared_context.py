"""`shared_context`: pages for all, without lost updates."""

from __future__ import annotations

import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.config.home import Home
from harness.files import LinkRefused
from harness.permission.taint import Taint
from harness.text.marks import sources_of
from harness.tools.context import ToolContext
from harness.tools.shared_context import Pages, shared_context
from harness.tools.tool import Output, ToolError
from tests.tools.using import use

ADDER = """
import sys
from pathlib import Path
from harness.tools.shared_context import Pages
from harness.tools.tool import ToolError

pages, refused = Pages(Path(sys.argv[1])), 0
for _ in range(40):
    while True:
        page = pages.read("count.md").data
        try:
            pages.write("count.md", str(int(page["text"]) + 1), page["version"])
            break
        except ToolError:
            refused += 1
print(refused)
"""


async def do(ctx: ToolContext, action: str, **arguments: Any) -> Output:
    return await use(shared_context, ctx, {"action": action, **arguments})


async def test_a_page_is_written_read_and_changed(ctx: ToolContext, home: Home) -> None:
    written = await do(ctx, "write", name="radar.md", text="# Radar\none")
    version = written.data["version"]
    changed = await do(ctx, "write", name="radar.md", text="# Radar\ntwo", version=version)
    read = await do(ctx, "read", name="radar")

    assert read.text == f"version: {changed.data['version']}\n\n# Radar\ntwo\n"
    assert (home.shared_context / "radar.md").read_text() == "# Radar\ntwo\n"
    assert changed.data["version"] != version


async def test_a_write_with_an_old_version_is_refused(ctx: ToolContext, home: Home) -> None:
    first = await do(ctx, "write", name="radar.md", text="one")
    second = await do(ctx, "write", name="radar.md", text="two", version=first.data["version"])

    with pytest.raises(ToolError) as caught:
        await do(ctx, "write", name="radar.md", text="mine", version=first.data["version"])

    assert second.data["version"] in str(caught.value)
    assert "Read it again" in str(caught.value)
    assert (home.shared_context / "radar.md").read_text() == "two\n"


async def test_a_write_over_a_page_that_was_not_read_is_refused(ctx: ToolContext) -> None:
    await do(ctx, "write", name="radar.md", text="one")

    with pytest.raises(ToolError, match=r"exists .* Read it first"):
        await do(ctx, "write", name="radar.md", text="mine")


async def test_a_write_to_a_page_that_is_gone_is_refused(ctx: ToolContext) -> None:
    with pytest.raises(ToolError, match="is gone"):
        await do(ctx, "write", name="radar.md", text="mine", version="0123456789ab")


async def test_an_edit_by_hand_counts_as_a_change(ctx: ToolContext, home: Home) -> None:
    written = await do(ctx, "write", name="radar.md", text="one")
    (home.shared_context / "radar.md").write_text("by hand\n")

    with pytest.raises(ToolError, match="was changed"):
        await do(ctx, "write", name="radar.md", text="two", version=written.data["version"])


async def test_appending_needs_no_version(ctx: ToolContext, home: Home) -> None:
    await do(ctx, "append", name="log", text="one")
    (home.shared_context / "log.md").write_text("one, without a line end")
    await do(ctx, "append", name="log.md", text="two\n")

    assert (home.shared_context / "log.md").read_text() == "one, without a line end\ntwo\n"


async def test_the_list_names_every_page(ctx: ToolContext, home: Home) -> None:
    assert (await do(ctx, "list")).text == "there are no pages yet"
    written = await do(ctx, "write", name="b.md", text="12")
    await do(ctx, "write", name="a.md", text="1")
    (home.shared_context / "notes.txt").write_text("no page")

    listed = await do(ctx, "list")

    assert list(listed.data) == ["a.md", "b.md"]
    assert f"b.md  version {written.data['version']}  3 characters" in listed.text


async def test_a_page_that_is_not_there_gets_a_suggestion(ctx: ToolContext) -> None:
    await do(ctx, "write", name="priorities.md", text="1")

    with pytest.raises(ToolError, match=r"did you mean `priorities\.md`"):
        await do(ctx, "read", name="priorites.md")


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../secret", "a/b", "/etc/passwd", "a\x00b", ".hidden", "a b", "-x"),
        *("a.txt.md", "x" * 65, "..\\up", "a\nb", "a.md/"),
    ],
)
async def test_a_name_never_leads_out_of_the_folder(ctx: ToolContext, name: str) -> None:
    for action in ("read", "write", "append"):
        with pytest.raises(ToolError, match="no page name"):
            await do(ctx, action, name=name, text="x")


async def test_a_link_is_not_followed(ctx: ToolContext, home: Home, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    home.shared_context.mkdir(parents=True)
    (home.shared_context / "trap.md").symlink_to(secret)

    with pytest.raises(LinkRefused):
        await do(ctx, "read", name="trap.md")
    with pytest.raises(LinkRefused):
        await do(ctx, "append", name="trap.md", text="x")

    assert secret.read_text() == "secret"
    assert (await do(ctx, "list")).data == {}


async def test_nothing_and_too_much_are_refused(ctx: ToolContext, home: Home) -> None:
    for action in ("write", "append"):
        with pytest.raises(ToolError, match="empty"):
            await do(ctx, action, name="a.md", text=" \n")
        with pytest.raises(ToolError, match="may have 20000"):
            await do(ctx, action, name="a.md", text="x" * 20_001)

    assert list(home.shared_context.iterdir()) == []


async def test_a_persons_file_keeps_its_mode(ctx: ToolContext, home: Home) -> None:
    home.shared_context.mkdir(parents=True)
    page = home.shared_context / "a.md"
    page.write_text("x")
    page.chmod(0o640)

    await do(ctx, "append", name="a.md", text="y")

    assert stat.S_IMODE(page.stat().st_mode) == 0o640


def test_two_processes_lose_no_update(tmp_path: Path) -> None:
    pages = Pages(tmp_path)
    pages.write("count.md", "0", "")
    command = [sys.executable, "-c", ADDER, str(tmp_path)]

    adders = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    for adder in adders:
        adder.communicate(timeout=60)

    assert [adder.returncode for adder in adders] == [0, 0]
    assert pages.read("count.md").data["text"] == "80\n"


async def test_a_page_keeps_its_mark_until_a_person_takes_it_away(
    ctx: ToolContext, home: Home
) -> None:
    page = home.shared_context / "view.md"
    after_reading = replace(ctx, taint=Taint(["b.test"]))
    await do(after_reading, "write", name="view", text="# View\nSell.")
    marked_text = page.read_text()

    read = await do(ctx, "read", name="view")
    version = read.data["version"]
    await do(ctx, "write", name="view", text="# View\nMine.", version=version)

    assert marked_text.splitlines()[0] == "# View <!-- from outside: b.test -->"
    assert read.source == "shared-context/view.md"
    assert sources_of(page.read_text()) == ["b.test"]

    page.write_text("# View\nMine, and checked.\n")
    await do(ctx, "append", name="view", text="More of mine.")

    assert sources_of(page.read_text()) == []
    assert (await do(ctx, "read", name="view")).source == ""


async def test_a_made_up_address_is_kept_so_that_nobody_follows_it(
    ctx: ToolContext, home: Home
) -> None:
    taint = Taint()
    taint.read_outside("b.test", "see https://b.test/a")

    text = "![](https://evil.test/?d=1) https://b.test/a"
    await do(replace(ctx, taint=taint), "write", name="view", text=text)

    kept = (home.shared_context / "view.md").read_text()
    assert "hxxps://evil.test/?d=1" in kept
    assert "![" not in kept
    assert "https://b.test/a" in kept
