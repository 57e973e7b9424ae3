"""Real programs, run without a shell, and nothing of them left."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from harness.children import ALLOWED
from harness.permission.shell import parse
from harness.tools.globbing import expanded
from harness.tools.processes import IDENTITY, Finished, command_environment, execute

DAEMON = """
import os, sys, time
if os.fork():
    while "stay" in sys.argv or not os.path.exists("pid"):
        time.sleep(0.01)
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
open("new", "w").write(str(os.getpid()))
os.rename("new", "pid")
time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    return work


async def run(text: str, folder: Path, seconds: float = 20, max_bytes: int = 100_000) -> Finished:
    environment = command_environment(os.environ, folder.parent)
    return await execute(
        parse(text), folder, environment=environment, seconds=seconds, max_bytes=max_bytes
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("text", "code", "output"),
    [
        ("echo 'a  b' c", 0, "a  b c\n"),
        ("printf 'b\\na\\nb\\n' | sort | uniq -c | tr -d ' '", 0, "1a\n2b\n"),
        ("false || echo no && echo so; echo end", 0, "no\nso\nend\n"),
        ("true || echo no && echo so", 0, "so\n"),
        ("false && echo no || echo so", 0, "so\n"),
        ("false; true | false", 1, ""),
        ("false | true", 0, ""),
        ("yes | head -n 2", 0, "y\ny\n"),
        ("cat", 0, ""),
        ("echo '$HOME `id` ;'", 0, "$HOME `id` ;\n"),
        ("echo one > x; echo two >> x; cat < x", 0, "one\ntwo\n"),
        ("echo long > x; echo s > x; cat x", 0, "s\n"),
        ("ls nothing 2>/dev/null", 2, ""),
        ("ls nothing &>/dev/null || echo none", 0, "none\n"),
        ("ls nothing 2>&1 | wc -l | tr -d ' '", 0, "1\n"),
    ],
)
async def test_pipes_lists_and_redirects_do_as_in_a_shell(
    text: str, code: int, output: str, folder: Path
) -> None:
    assert await run(text, folder) == Finished(code, output)


async def test_both_streams_come_in_the_order_of_writing(folder: Path) -> None:
    done = await run("ls nothing; echo between; ls nothing", folder)

    lines = done.output.splitlines()
    assert [line == "between" for line in lines] == [False, True, False]


async def test_a_program_that_is_not_there_is_said_and_the_list_goes_on(folder: Path) -> None:
    done = await run("no-such-program x || echo on", folder)

    assert done.code == 0
    assert done.output.startswith("no-such-program: there is no such program in /usr/local/bin")
    assert done.output.endswith("\non\n")
    assert (await run("no-such-program", folder)).code == 127


async def test_only_what_is_given_is_in_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "canary")
    monkeypatch.setenv("LC_TIME", "C")

    done = await run("env", folder)

    names = {line.partition("=")[0] for line in done.output.splitlines()}
    own = {"PATH", "HOME", "TMPDIR", "TERM", "HARNESS_CALL"}
    assert names <= ALLOWED | IDENTITY.keys() | own
    assert names >= own | {"LC_TIME"}
    assert "PATH=/usr/local/bin:/usr/bin:/bin\n" in done.output


@pytest.mark.skipif(sys.platform != "linux", reason="other systems set no limits from outside")
async def test_a_command_cannot_dump_its_memory_or_fill_the_disk(folder: Path) -> None:
    script = "until [ $(ulimit -f) = 4194304 ]; do sleep 0.01; done; ulimit -c; ulimit -n\n"
    (folder / "limits").write_text(f"#!/bin/sh\n{script}")
    (folder / "limits").chmod(0o755)

    assert await run("./limits", folder) == Finished(0, "0\n1024\n")


async def test_output_beyond_the_limit_is_dropped_and_said_to_be(folder: Path) -> None:
    done = await run("seq 1 100000", folder, max_bytes=20)

    assert done == Finished(0, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10", cut=True)


async def test_patterns_become_names_of_the_folder_and_of_nowhere_else(folder: Path) -> None:
    (folder / "sub").mkdir()
    for name in ("a.txt", "b.txt", ".hidden.txt", "-n", "sub/c.txt"):
        (folder / name).touch()
    (folder / "out.txt").symlink_to("/etc/passwd")
    (folder / "up").symlink_to("/etc")

    assert (await run("echo *.txt", folder)).output == "a.txt b.txt\n"
    assert (await run("echo *n */*.txt su?/c* .h*", folder)).output == (
        "./-n sub/c.txt sub/c.txt .hidden.txt\n"
    )
    assert (await run("echo '*.txt' *.none", folder)).output == "*.txt *.none\n"
    assert (await run("echo up/* ../* /etc/pass*", folder)).output == "up/* ../* /etc/pass*\n"


async def test_an_expanded_script_has_literal_words_only(folder: Path) -> None:
    (folder / "a[1].txt").touch()

    script = expanded(parse("cat *.txt | wc"), folder)

    assert [word.text for word in script.commands[0].words] == ["cat", "a[1].txt"]
    assert expanded(script, folder) == script


@pytest.mark.parametrize("target", ["../out", "/tmp/harness-out", "link/out", "file-link", "pipe"])
async def test_redirects_do_not_leave_the_folder(target: str, folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "file").write_text("kept")
    (folder / "link").symlink_to(outside)
    (folder / "file-link").symlink_to(outside / "file")
    os.mkfifo(folder / "pipe")

    done = await run(f"echo x > {target}", folder)

    assert done.code == 1
    assert (outside / "file").read_text() == "kept"
    assert list(outside.iterdir()) == [outside / "file"]
    assert not Path("/tmp/harness-out").exists()
    assert not (folder.parent / "out").exists()


async def test_an_opener_from_outside_opens_the_files(folder: Path) -> None:
    asked = []

    def opener(where: Path, path: str, flags: int) -> int:
        asked.append((where, path))
        return os.open(where / "other", flags, 0o600)

    done = await execute(
        parse("echo x > y"), folder, environment={}, seconds=20, max_bytes=100, opener=opener
    )

    assert done.code == 0
    assert asked == [(folder, "y")]
    assert (folder / "other").read_text() == "x\n"


async def test_a_program_of_the_workspace_runs_and_one_from_outside_does_not(
    folder: Path,
) -> None:
    for place in (folder, folder.parent):
        (place / "own").write_text("#!/bin/sh\necho here\n")
        (place / "own").chmod(0o755)
    (folder / "led-out").symlink_to(folder.parent / "own")

    assert await run("./own", folder) == Finished(0, "here\n")
    for text in ("../own", "./led-out", str(folder.parent / "own")):
        assert "here" not in (await run(text, folder)).output


async def test_what_takes_too_long_is_ended(folder: Path) -> None:
    began = time.monotonic()

    done = await run("echo first; sleep 60 | sleep 61", folder, seconds=1.5)

    assert done == Finished(124, "first\n", timed_out=True)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("stay", ["stay", "leave"])
async def test_a_grandchild_that_left_its_group_ends_with_the_call(stay: str, folder: Path) -> None:
    (folder / "daemon.py").write_text(DAEMON)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    born = folder / "pid"

    calling = asyncio.create_task(run(f"./python daemon.py {stay}; sleep 1", folder, 30))
    await until(born.exists)
    if stay == "stay":
        calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)

    assert calling.cancelled() is (stay == "stay")
    assert not lives(int(born.read_text()))


async def test_cancelling_leaves_no_process(folder: Path) -> None:
    (folder / "slow").write_text("#!/bin/sh\nsleep 61.25 &\necho ready > ready\nwait\n")
    (folder / "slow").chmod(0o755)
    calling = asyncio.create_task(run("./slow | cat", folder))
    await until((folder / "ready").exists)

    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)

    assert [
        p.pid for p in psutil.process_iter(["cmdline"]) if "61.25" in (p.info["cmdline"] or [])
    ] == []


HOSTILE_CONFIG = """
[core]
    fsmonitor = touch ran-fsmonitor
    hooksPath = hooks
    pager = touch ran-pager
[diff]
    external = touch ran-external
[diff "own"]
    textconv = touch ran-textconv
    command = touch ran-command
[filter "own"]
    clean = touch ran-clean
    smudge = touch ran-smudge
    required = true
[alias]
    x = !touch ran-alias
[log]
    showSignature = true
[gpg]
    program = touch ran-gpg
"""


async def test_a_repository_runs_none_of_its_own_programs(folder: Path) -> None:
    await run("git init -q . ; git config user.name x; git config user.email x@example.org", folder)
    (folder / "a.txt").write_text("one\n")
    await run("git add . ; git commit -qm first", folder)
    (folder / ".gitattributes").write_text("* filter=own diff=own\n")
    (folder / "a.txt").write_text("two\n")
    hooks = folder / "hooks"
    hooks.mkdir()
    for hook in ("post-index-change", "pre-commit", "post-commit", "post-checkout"):
        (hooks / hook).write_text("#!/bin/sh\ntouch ran-hook\n")
        (hooks / hook).chmod(0o755)
    with (folder / ".git" / "config").open("a") as config:
        config.write(HOSTILE_CONFIG)

    looks = "status", "diff", "log -p", "show", "blame a.txt", "grep two", "stash list", "describe"
    seen = {look: await run(f"git {look}", folder) for look in looks}
    ran = [path.name for path in folder.glob("**/ran-*")]
    await run("git commit -qam second; git checkout -q HEAD~1; git x", folder)
    ran += [path.name for path in folder.glob("**/ran-*")]

    assert "modified:   a.txt" in seen["status"].output
    assert "+two" in seen["diff"].output
    assert "+one" in seen["log -p"].output
    assert [done.code for done in seen.values()] == [0, 0, 0, 0, 0, 0, 0, 128]
    assert ran == []


async def test_a_repository_cannot_name_a_tree_outside_of_the_folder(folder: Path) -> None:
    (folder.parent / "private.txt").touch()
    await run(f"git init -q .; git config core.worktree {folder.parent}", folder)

    done = await run("git status --short; git ls-files -o", folder)

    assert done == Finished(0, "")


async def test_a_repository_above_the_folder_is_not_seen(folder: Path) -> None:
    await run("git init -q .", folder)
    (folder / "inner").mkdir()

    done = await run("git status", folder / "inner")

    assert done.code == 128
    assert "not a git repository" in done.output
