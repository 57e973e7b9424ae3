"""Hooks in force that are not those that a person wrote."""

from pathlib import Path

from harness.clock import SystemClock
from harness.config.home import Home
from harness.config.settings import read_settings
from harness.doctor.finding import Level
from harness.hooks.hooks import Hooks
from harness.services.lock import HomeLock
from harness.text.secrets import Redactor
from tests.doctor.conftest import Look


def facts(home: Home) -> list[dict[str, object]]:
    hooks = read_settings(home.settings_file, {}).hooks
    return Hooks.freeze(hooks, home, {}, Redactor(), SystemClock()).facts


def guard(home: Home, text: str = "exit 0") -> Path:
    path = home.root / "guard.sh"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    home.settings_file.write_text("hooks:\n  - {on: final, command: [./guard.sh]}\n")
    return path


def test_hooks_that_are_in_force_are_well(look: Look, home: Home) -> None:
    guard(home)
    with HomeLock(home) as lock:
        lock.tell(pid=1, hooks=facts(home))

        assert look("hooks") == []


def test_a_program_that_was_changed_and_a_hook_that_waits_are_told(look: Look, home: Home) -> None:
    guard(home)
    with HomeLock(home) as lock:
        lock.tell(pid=1, hooks=facts(home))
        guard(home, "exit 2")
        with home.settings_file.open("a") as file:
            file.write("  - {on: final, url: 'http://127.0.0.1:9/'}\n")

        changed, waits = look("hooks")

    assert (changed.level, waits.level) == (Level.WARNING, Level.WARNING)
    assert "program was changed" in changed.message
    assert "not in force" in waits.message
    assert "harness hooks reload" in (waits.fix or "")


def test_a_hook_that_cannot_be_loaded_is_told(look: Look, home: Home) -> None:
    home.settings_file.write_text("hooks:\n  - {on: final, python: 'no_such_module:f'}\n")
    with HomeLock(home) as lock:
        lock.tell(pid=1, hooks=facts(home))

        (broken,) = look("hooks")

    assert "ModuleNotFoundError" in broken.message
