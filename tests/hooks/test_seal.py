"""A program that an agent may have changed does not run, and what it guards does not happen."""

import os
from pathlib import Path

from harness.config.home import Home
from harness.config.hooks import Hook, HookEvent
from harness.hooks.seal import Seal
from harness.hooks.verdict import PASSED
from tests.hooks.conftest import Freeze, Program, read

CALL = HookEvent.BEFORE_TOOL


async def test_a_changed_program_is_not_run_and_blocks(
    home: Home, freeze: Freeze, program: Program
) -> None:
    hooks = freeze(Hook(on=[CALL], command=[program("exit 2")]))

    program("touch ran; exit 0")
    verdict = await hooks.fire(CALL, {})

    assert verdict.blocked
    assert "was changed since the hooks were frozen" in verdict.reason
    assert "harness hooks reload" in verdict.reason
    assert not (home.root / "ran").exists()


async def test_a_changed_program_cannot_block_what_is_over(
    freeze: Freeze, program: Program
) -> None:
    hooks = freeze(Hook(on=[HookEvent.AFTER_TOOL], command=[program("exit 0")]))

    program("exit 2")
    verdict = await hooks.fire(HookEvent.AFTER_TOOL, {})

    assert not verdict.blocked
    assert "was changed" in verdict.warnings[0]


async def test_freezing_again_takes_the_change_up(freeze: Freeze, program: Program) -> None:
    hook = Hook(on=[CALL], command=[program("exit 2")])
    freeze(hook)

    program("exit 0")

    assert await freeze(hook).fire(CALL, {}) == PASSED


async def test_a_script_that_an_interpreter_is_given_counts_too(
    home: Home, freeze: Freeze, program: Program
) -> None:
    hooks = freeze(Hook(on=[CALL], command=["sh", program("exit 0")]))

    program("touch ran")
    verdict = await hooks.fire(CALL, {})

    assert verdict.blocked
    assert read(home.root / "ran") == ""


async def test_a_program_that_is_removed_blocks(
    home: Home, freeze: Freeze, program: Program
) -> None:
    word = program("exit 2")
    hooks = freeze(Hook(on=[CALL], command=[word]))

    (home.root / word).unlink()

    assert (await hooks.fire(CALL, {})).blocked


def test_a_link_out_of_the_home_is_sealed_by_what_it_leads_to(
    tmp_path: Path, home: Home, program: Program
) -> None:
    (tmp_path / "outside.sh").write_text("exit 0")
    link = home.root / "link.sh"
    link.symlink_to(tmp_path / "outside.sh")
    seal = Seal.of([str(link)], home.root)

    link.unlink()
    link.symlink_to(home.root / program("exit 1"))

    assert seal.broken_by() == link


def test_a_file_outside_the_home_is_not_sealed(tmp_path: Path, home: Home) -> None:
    (tmp_path / "outside.sh").write_text("exit 0")

    assert Seal.of([str(tmp_path / "outside.sh"), "--flag"], home.root) == Seal()


def test_a_named_pipe_in_the_place_of_a_program_holds_nobody_up(
    home: Home, program: Program
) -> None:
    path = home.root / program("exit 0")
    seal = Seal.of([str(path)], home.root)

    path.unlink()
    os.mkfifo(path)

    assert seal.broken_by() == path
