"""`harness hooks`: what is in force, and that only a running crew can take hooks up."""

from pathlib import Path

import pytest

from harness.clock import SystemClock
from harness.config.home import Home
from harness.config.settings import read_settings
from harness.hooks.hooks import Hooks
from harness.services.lock import HomeLock
from harness.text.secrets import Redactor
from tests.cli.conftest import Harness

SETTINGS = """\
hooks:
  - {on: before_tool, tool: 'web_*', agent: scout, command: [./check.sh]}
  - {on: [final, learning], url: 'http://127.0.0.1:9/hook?key=k', timeout: 5s}
"""


@pytest.fixture
def check(home: Home) -> Path:
    path = home.root / "check.sh"
    path.write_text("#!/bin/sh\nexit 0\n")
    path.chmod(0o700)
    home.settings_file.write_text(SETTINGS)
    return path


def in_force(home: Home) -> dict[str, object]:
    """What a daemon that started now would tell of its hooks."""
    hooks = read_settings(home.settings_file, {}).hooks
    frozen = Hooks.freeze(hooks, home, {}, Redactor(), SystemClock())
    return {"hooks": frozen.facts, "hooks_at": "now"}


def states(harness: Harness) -> list[str]:
    return [each["state"] for each in harness("hooks", "list", "--json").document]


def test_a_home_without_hooks_says_so(harness: Harness) -> None:
    assert harness("hooks", "list").out == "no hooks: harness.yaml has none\n"


def test_the_list_tells_who_is_asked_about_what(harness: Harness, check: Path) -> None:
    said = harness("hooks", "list")
    first, second = harness("hooks", "list", "--json").document

    assert "./check.sh" in said.out
    assert "tool web_*, agent scout" in said.out
    assert "key=k" not in said.out
    assert first == {
        "hook": "./check.sh",
        "on": ["before_tool"],
        "tool": "web_*",
        "agent": "scout",
        "timeout": "10s",
        "state": "crew not running",
        "trouble": None,
    }
    assert second["on"] == ["final", "learning"]


def test_hooks_are_in_force_while_file_and_program_are_what_they_were(
    harness: Harness, home: Home, check: Path
) -> None:
    with HomeLock(home) as lock:
        lock.tell(pid=1, **in_force(home))

        assert states(harness) == ["in force", "in force"]

        check.write_text("#!/bin/sh\nexit 2\n")
        assert states(harness) == ["program changed", "in force"]


def test_a_change_in_the_file_waits_for_a_reload(harness: Harness, home: Home, check: Path) -> None:
    with HomeLock(home) as lock:
        lock.tell(pid=1, **in_force(home))
        home.settings_file.write_text(SETTINGS.replace("timeout: 5s", "timeout: 6s"))

        said = harness("hooks", "list")

        assert states(harness) == ["in force", "waiting for reload", "in force until reload"]
        assert said.err == "2 hooks to look at; then: harness hooks reload\n"


def test_a_hook_that_cannot_be_loaded_is_told_with_the_reason(harness: Harness, home: Home) -> None:
    home.settings_file.write_text("hooks:\n  - {on: final, python: 'no_such_module:f'}\n")
    with HomeLock(home) as lock:
        lock.tell(pid=1, **in_force(home))

        said = harness("hooks", "list")

    assert "cannot be asked" in said.out
    assert "ModuleNotFoundError" in said.err


def test_a_tool_that_does_not_exist_is_told(harness: Harness, home: Home) -> None:
    home.settings_file.write_text("hooks:\n  - {on: before_tool, tool: lern, python: 'a:b'}\n")

    said = harness("hooks", "list")

    assert said.code == 78
    assert "did you mean `learn`?" in said.err


def test_a_reload_without_a_daemon_is_exit_code_3(harness: Harness) -> None:
    assert harness("hooks", "reload").code == 3


def test_a_daemon_that_is_just_starting_gets_no_signal(harness: Harness, home: Home) -> None:
    with HomeLock(home):  # the holder is this process, which the signal would end
        said = harness("hooks", "reload")

    assert said.code == 6
    assert "just starting" in said.err


def test_files_that_do_not_parse_are_told_before_anything_is_asked(
    harness: Harness, home: Home
) -> None:
    home.settings_file.write_text("hooks:\n  - {on: finale, python: 'a:b'}\n")

    said = harness("hooks", "reload")

    assert said.code == 78
    assert "did you mean `final`?" in said.err
