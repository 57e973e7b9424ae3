"""Hooks that are programs: what they get, what their exit codes mean, and that none stays."""

import asyncio
import json
import time
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from harness.config.home import Home
from harness.config.hooks import Hook, HookEvent
from harness.hooks.verdict import PASSED
from tests.hooks.conftest import Freeze, Program, read

CALL = HookEvent.BEFORE_TOOL


async def test_a_program_gets_the_facts_on_its_stdin(
    home: Home, freeze: Freeze, program: Program
) -> None:
    hooks = freeze(Hook(on=[CALL], command=[program("cat > got.json")]))

    verdict = await hooks.fire(CALL, {"agent": "scout", "task": "t1", "tool": "learn"})

    assert verdict == PASSED
    assert json.loads(read(home.root / "got.json")) == {
        "event": "before_tool",
        "at": "2026-01-01T00:00:00.000+00:00",
        "agent": "scout",
        "task": "t1",
        "tool": "learn",
    }


async def test_a_program_runs_in_the_home_with_few_variables(
    home: Home, freeze: Freeze, program: Program
) -> None:
    hooks = freeze(Hook(on=[CALL], command=[program("pwd > pwd; env > env")]))

    await hooks.fire(CALL, {})

    names = {line.partition("=")[0] for line in read(home.root / "env").splitlines()}
    assert read(home.root / "pwd").strip() == str(home.root)
    assert f"HARNESS_HOME={home.root}\n" in read(home.root / "env")
    assert "HARNESS_EVENT=before_tool\n" in read(home.root / "env")
    assert "MY_TOKEN" not in names
    assert {"PATH", "LANG"} <= names


async def test_a_variable_that_the_hook_names_comes_along(
    home: Home, freeze: Freeze, program: Program
) -> None:
    hooks = freeze(Hook(on=[CALL], command=[program("env > env")], env=["MY_TOKEN"]))

    await hooks.fire(CALL, {})

    assert "MY_TOKEN=hunter2-hunter2\n" in read(home.root / "env")


async def test_no_shell_reads_the_words(home: Home, freeze: Freeze, program: Program) -> None:
    word = program('printf "%s" "$1" > got')
    hooks = freeze(Hook(on=[CALL], command=[word, "$(touch pwned); *"]))

    await hooks.fire(CALL, {})

    assert read(home.root / "got") == "$(touch pwned); *"
    assert not (home.root / "pwned").exists()


async def test_exit_code_2_blocks_with_what_stderr_says(freeze: Freeze, program: Program) -> None:
    hooks = freeze(Hook(on=[CALL], command=[program("echo not on Sundays >&2; exit 2")]))

    verdict = await hooks.fire(CALL, {})

    assert (verdict.blocked, verdict.reason, verdict.warnings) == (True, "not on Sundays", ())


async def test_a_reason_is_short_and_has_neither_secrets_nor_invisible_characters(
    freeze: Freeze, program: Program
) -> None:
    body = "printf 'hun\\342\\200\\213ter2-hunter2 ' >&2; head -c 100000 /dev/zero | tr '\\0' x >&2"
    hooks = freeze(Hook(on=[CALL], command=[program(f"{body}; exit 2")]))

    verdict = await hooks.fire(CALL, {})

    assert verdict.reason.startswith("[redacted] xxx")
    assert len(verdict.reason) == 500


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("echo oh >&2; exit 1", "it ended with 1: oh"),
        ("exit 126", "it ended with 126:"),
        ("kill -9 $$", "it was ended by signal 9:"),
    ],
)
async def test_any_other_end_warns(freeze: Freeze, program: Program, body: str, said: str) -> None:
    hooks = freeze(Hook(on=[CALL], command=[program(body)]))

    verdict = await hooks.fire(CALL, {})

    assert not verdict.blocked
    assert verdict.warnings == (f"hook hooks/check.sh: {said}",)


async def test_a_program_that_is_no_longer_there_warns(tmp_path: Path, freeze: Freeze) -> None:
    hooks = freeze(Hook(on=[CALL], command=["/nowhere/at-all"]))

    verdict = await hooks.fire(CALL, {})

    assert not verdict.blocked
    assert "cannot be run: No such file" in verdict.warnings[0]


async def test_a_slow_program_is_killed_with_its_children_and_warns(
    home: Home, freeze: Freeze, program: Program
) -> None:
    word = program("sleep 60 & echo $! > pids; echo $$ >> pids; wait")
    hooks = freeze(Hook(on=[CALL], command=[word], timeout=timedelta(seconds=1)))

    began = time.monotonic()
    verdict = await hooks.fire(CALL, {})

    assert time.monotonic() - began < 5
    assert verdict.warnings == ("hook hooks/check.sh: it gave no answer within 1 s",)
    child, leader = map(int, read(home.root / "pids").split())
    assert not psutil.pid_exists(leader)
    assert ends(child)


async def test_a_child_that_a_program_leaves_behind_is_ended_and_not_waited_for(
    home: Home, freeze: Freeze, program: Program
) -> None:
    hooks = freeze(Hook(on=[CALL], command=[program("sleep 60 & echo $! > pid; exit 0")]))

    began = time.monotonic()
    verdict = await hooks.fire(CALL, {})

    assert time.monotonic() - began < 5
    assert verdict == PASSED
    assert ends(int(read(home.root / "pid")))


async def test_a_program_that_reads_nothing_does_not_hang_on_large_facts(
    freeze: Freeze, program: Program
) -> None:
    hooks = freeze(Hook(on=[CALL], command=[program("exit 0")]))

    assert await hooks.fire(CALL, {"text": "x" * 3_000_000}) == PASSED


async def test_no_descriptor_stays_open(freeze: Freeze, program: Program) -> None:
    hooks = freeze(Hook(on=[CALL], command=[program("exit 0")]))
    await hooks.fire(CALL, {})

    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(3):
        await hooks.fire(CALL, {})

    assert len(list(Path("/dev/fd").iterdir())) == before


async def test_a_session_that_is_cancelled_takes_its_hook_along(
    home: Home, freeze: Freeze, program: Program
) -> None:
    pid = home.root / "pid"
    hooks = freeze(Hook(on=[CALL], command=[program("echo $$ > tmp; mv tmp pid; sleep 60")]))
    asking = asyncio.create_task(hooks.fire(CALL, {}))
    async with asyncio.timeout(10):
        while not pid.exists():
            await asyncio.sleep(0.01)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert not psutil.pid_exists(int(read(pid)))


def ends(pid: int) -> bool:
    """Whether a process that was killed is gone within seconds."""
    try:
        psutil.Process(pid).wait(5)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True
