"""A person's word on a memory, in the history of a home that is a repository."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.config.home import Home
from tests.cli.conftest import Harness
from tests.cli.test_learnings import ID, RULE, errors
from tests.cli.test_reflecting import FIX, proposal

__all__ = ["errors", "proposal"]

pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not there"),
    pytest.mark.usefixtures("errors"),
]


def git(home: Home, *words: str) -> str:
    ran = subprocess.run(["git", *words], cwd=home.root, capture_output=True, text=True, check=True)
    return ran.stdout


@pytest.fixture
def repository(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Home:
    monkeypatch.setenv("HOME", str(tmp_path))
    git(home, "init", "--quiet")
    return home


def test_a_promotion_and_its_undo_are_two_commits(harness: Harness, repository: Home) -> None:
    harness("memory", "promote", ID)
    harness("memory", "undo", ID)

    undone, promoted = git(repository, "log", "--format=%s").splitlines()
    assert promoted == f"Promoted by a person: {RULE}"
    assert undone.startswith("Undone by a person: ")
    assert RULE in git(repository, "show", "HEAD~1:memory/scout/MEMORY.md")
    assert RULE not in git(repository, "show", "HEAD:memory/scout/MEMORY.md")


def test_an_approved_proposal_and_its_undo_are_two_commits_with_the_page(
    harness: Harness, repository: Home, proposal: str
) -> None:
    git(repository, "add", "agents")
    git(repository, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", "Crew")

    done = harness("memory", "approve", proposal, "--json").document
    harness("memory", "undo", done["change"])

    undone, approved, _ = git(repository, "log", "--format=%s").splitlines()
    assert approved == f"Approved by a person: {FIX}"
    assert undone == f"Undone by a person: {FIX}"
    assert git(repository, "show", "--format=", "--name-only", "HEAD~1").split() == [
        "agents/AGENTS.md",
        "memory/.proposed/CHANGES.jsonl",
        f"memory/.proposed/taken/{proposal}.md",
    ]
    assert FIX in git(repository, "show", "HEAD~1:agents/AGENTS.md")
    assert FIX not in git(repository, "show", "HEAD:agents/AGENTS.md")


def test_who_wants_no_commits_gets_none(harness: Harness, repository: Home) -> None:
    with repository.settings_file.open("a") as settings:
        settings.write("\nmemory:\n  git: off\n")

    harness("memory", "promote", ID)

    assert git(repository, "status", "--porcelain", "memory").startswith("??")
