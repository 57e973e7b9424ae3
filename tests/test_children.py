"""A child sees of our environment what it needs, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from harness.children import child_environment

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
CANARY = "c4n4ry-of-the-parent"


def seen_by_a_child(*also: str) -> dict[str, str]:
    ran = subprocess.run(
        [sys.executable, "-c", SHOW],
        env=child_environment(os.environ, *also),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return dict(json.loads(ran.stdout))


@pytest.mark.parametrize(
    "name",
    [
        *("API_KEY", "GITHUB_TOKEN", "PLAIN_NAME", "LC_SECRET", "SSH_AUTH_SOCK", "HARNESS_HOME"),
        *("PYTHONSTARTUP", "BASH_ENV", "GIT_SSH_COMMAND", "HTTPS_PROXY", "path"),
    ],
)
def test_what_is_not_on_the_list_stays_behind(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, CANARY)

    seen = seen_by_a_child()

    assert name not in seen
    assert CANARY not in seen.values()


def test_what_a_program_needs_comes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = {"PATH": "/usr/bin", "HOME": "/home/a", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    for name, value in needed.items():
        monkeypatch.setenv(name, value)

    assert seen_by_a_child().items() >= needed.items()


def test_what_one_program_needs_besides_is_asked_for_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")

    assert "XDG_RUNTIME_DIR" not in seen_by_a_child()
    assert seen_by_a_child("XDG_RUNTIME_DIR", "NOT_SET")["XDG_RUNTIME_DIR"] == "/run/user/7"
