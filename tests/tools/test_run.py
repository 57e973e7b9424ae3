"""`run`: commands in the workspace, judged word by word and run without a shell."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from harness.bus.port import Request
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock
from harness.config.home import Home
from harness.errors import HarnessError
from harness.ids import Ids
from harness.models.port import ToolCall
from harness.permission.action import Trait
from harness.permission.shell import Unsafe
from harness.tools.context import ToolContext
from harness.tools.run import run
from harness.tools.tool import ToolError
from harness.tools.toolbox import Toolbox
from tests.tools.desk import a_desk, lay, planned, use
from tests.tools.using import a_gate


@pytest.fixture
def desk(home: Home) -> ToolContext:
    lay(home, notes__one="first\n", notes__two="second\n", memory__zoe__MEMORY="zoe's own\n")
    (home.root / ".env").write_text("TOKEN=lighthouse\n")
    return a_desk(home)


@pytest.fixture
def repository(home: Home, desk: ToolContext) -> ToolContext:
    for words in (
        ["init", "-q"],
        ["add", "notes"],
        ["-c", "user.name=A", "-c", "user.email=a@b.test", "commit", "-qm", "begin"],
    ):
        subprocess.run(["git", *words], cwd=home.root, check=True)
    return desk


async def test_a_pipeline_gives_its_output_and_its_code(desk: ToolContext) -> None:
    output = await use(run, desk, command="cat notes/*.md | sort -r && grep -c first notes/two.md")

    assert output.text == "second\nfirst\n0\n"
    assert (output.data, output.remark) == ({"code": 1, "timed_out": False}, "[exit code 1]")


async def test_what_takes_too_long_is_ended(desk: ToolContext) -> None:
    output = await use(run, desk, command="sleep 60", seconds=1)

    assert output.remark == "[it did not end within 1 s]"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("cat /etc/passwd", "give a relative one"),
        ("cat ../other", "leads out"),
        ("cat link", "symbolic link"),
        ("grep -r TOKEN .", "you may not read"),
        ("rg --hidden TOKEN", "you may not read"),
    ],
)
async def test_what_leads_out_or_shows_too_much_is_refused(
    desk: ToolContext, home: Home, command: str, why: str
) -> None:
    (home.root / "link").symlink_to("/etc/hostname")

    with pytest.raises(ToolError, match=why):
        planned(run, desk, command=command)


@pytest.mark.parametrize("command", ["cat .en*", "cat .env", "head memory/zoe/MEMORY.md"])
async def test_a_hidden_file_is_not_read_under_any_spelling(
    desk: ToolContext, command: str
) -> None:
    box = Toolbox([run], desk, a_gate(desk, "bypass"))

    result = await box.call(ToolCall("c1", "run", {"command": command}))

    assert not result.ok
    assert "is not read" in result.text


async def test_a_shell_text_that_is_no_list_of_commands_is_not_planned(desk: ToolContext) -> None:
    with pytest.raises(Unsafe):
        planned(run, desk, command="echo $(cat .env)")


def test_commands_that_look_and_others_are_told_apart(desk: ToolContext) -> None:
    look = planned(run, desk, command="ls notes | wc -l")
    make = planned(run, desk, command="make test")

    assert look.routine
    assert Trait.CHANGES_STATE not in look.traits
    assert not make.routine
    assert {Trait.CHANGES_STATE, Trait.SENDS_OUT} <= make.traits
    assert Trait.READS_UNTRUSTED not in make.traits
    assert Trait.READS_UNTRUSTED in planned(run, desk, command="git fetch origin").traits


@pytest.mark.parametrize(
    "command", ["git status --short", "git log --oneline", "git diff", "git show HEAD", "find ."]
)
async def test_a_repository_is_looked_at(repository: ToolContext, command: str) -> None:
    box = Toolbox([run], repository, a_gate(repository))

    result = await box.call(ToolCall("c1", "run", {"command": command}))

    assert result.ok, result.text
    assert "exit code 0" in result.text


@pytest.mark.parametrize(
    "command",
    [
        *("git diff", "git show HEAD", "git log -p", "git grep own"),
        *("git show HEAD -- . log", "git grep own -- . status", "git diff --cached -- . tag"),
        *("git log -wp", "git log -zU1", "git log --binary", "git log --check", "git reflog -bp"),
    ],
)
async def test_git_shows_no_contents_where_it_keeps_what_is_hidden(
    repository: ToolContext, home: Home, command: str
) -> None:
    subprocess.run(["git", "add", "memory"], cwd=home.root, check=True)

    with pytest.raises(ToolError, match="may not read"):
        planned(run, repository, command=command)
    assert planned(run, repository, command="git log --oneline").routine


@pytest.mark.parametrize("form", ["--split-index", "--index-version=4"])
async def test_git_shows_no_contents_where_nobody_can_tell_what_it_keeps(
    repository: ToolContext, home: Home, form: str
) -> None:
    subprocess.run(["git", "update-index", *form.split("=")], cwd=home.root, check=True)

    with pytest.raises(ToolError, match="cannot be told"):
        planned(run, repository, command="git show HEAD")
    assert planned(run, repository, command="git remote -v").routine


async def test_git_shows_no_contents_of_a_repository_that_lies_elsewhere(
    repository: ToolContext, home: Home
) -> None:
    (home.root / ".git").rename(home.root.parent / "elsewhere")
    (home.root / ".git").write_text(f"gitdir: {home.root.parent / 'elsewhere'}\n")

    with pytest.raises(ToolError, match="cannot be told"):
        planned(run, repository, command="git show HEAD")


async def test_the_model_is_told_how_it_ended_and_nothing_of_our_environment(
    desk: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSE_TOKEN", "lighthouse-4711")
    box = Toolbox([run], desk, a_gate(desk, "bypass"))

    result = await box.call(ToolCall("c1", "run", {"command": "env; false"}))

    assert "lighthouse" not in result.text
    assert result.text.endswith("[exit code 1]")
    assert "HOME=" in result.text


async def test_the_same_command_is_run_again_in_a_session_and_not_after_a_crash(
    home: Home, clock: FakeClock
) -> None:
    lay(home, notes__one="first\n")
    async with SqliteBus.open(home, clock, Ids(clock)) as bus:
        await bus.request(Request("ainews", "Work."))
        task = await bus.claim("ainews", cap=1, owner="s")
        assert task is not None
        desk = replace(a_desk(home), bus=bus, task=task)
        touch = ToolCall("c1", "run", {"command": "cp notes/one.md notes/copy.md"})

        first = Toolbox([run], desk, a_gate(desk, "bypass"))
        results = [await first.call(touch), await first.call(touch)]
        anew = await Toolbox([run], desk, a_gate(desk, "bypass")).call(touch)

    assert not any("not done again" in result.text for result in results)
    assert "done already" in anew.text


@pytest.mark.parametrize(
    "command", ["git diff -- notes/one.md", "git log -p -- notes ./notes/two.md"]
)
def test_git_shows_the_files_that_it_is_asked_about(
    repository: ToolContext, home: Home, command: str
) -> None:
    subprocess.run(["git", "add", "memory"], cwd=home.root, check=True)

    assert planned(run, repository, command=command).routine


@pytest.mark.parametrize(
    "command",
    [
        "git diff -- memory",
        "git diff -- .",
        "git diff -- ':(top)memory'",
        "git diff -- 'mem*'",
        "git show HEAD -- notes memory/zoe",
        "git diff notes/one.md",
    ],
)
def test_git_shows_nothing_hidden_among_them(
    repository: ToolContext, home: Home, command: str
) -> None:
    subprocess.run(["git", "add", "memory"], cwd=home.root, check=True)

    with pytest.raises(HarnessError):
        planned(run, repository, command=command)
