"""The history of memory files in a real repository."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.config.home import Home
from harness.memory.history import note

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not there")


class Repo:
    """A home that is a repository, and what git says of it."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.memory = self.home.memory_file("scout")
        self.memory.parent.mkdir(parents=True)
        self.memory.write_text("- The first line.\n")
        self.git("init", "--quiet")

    def git(self, *words: str) -> str:
        command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@home.test", *words]
        ran = subprocess.run(
            command, cwd=self.home.root, capture_output=True, text=True, check=True
        )
        return ran.stdout

    def note(self, *paths: Path, message: str = "Promote a rule", git: str = "auto") -> bool:
        return note(self.home, paths or [self.memory], message, git=git)

    def messages(self) -> list[str]:
        return self.git("log", "--format=%s").splitlines()


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever runs the tests has a git of his own."""
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "home")


def test_a_rewrite_is_one_commit_by_the_harness_where_nobody_else_is_known(repo: Repo) -> None:
    assert repo.note()

    assert repo.git("log", "--format=%s|%an|%ae").strip() == (
        "Promote a rule|Harness|harness@localhost"
    )
    assert repo.git("show", "HEAD:memory/scout/MEMORY.md") == "- The first line.\n"


def test_the_author_is_the_person_whom_git_knows(repo: Repo) -> None:
    repo.git("config", "user.name", "Bea")
    repo.git("config", "user.email", "bea@home.test")

    repo.note()

    assert repo.git("log", "--format=%an").strip() == "Bea"


def test_what_else_is_staged_stays_staged(repo: Repo) -> None:
    repo.note()
    for name in ("staged.txt", "loose.txt"):
        (repo.home.root / name).write_text(name)
    repo.git("add", "staged.txt")
    repo.memory.write_text("- Another line.\n")

    assert repo.note()

    assert repo.git("show", "--name-only", "--format=", "HEAD").split() == [
        "memory/scout/MEMORY.md"
    ]
    assert repo.git("status", "--porcelain") == "A  staged.txt\n?? loose.txt\n"


def test_nothing_is_committed_when_nothing_changed(repo: Repo) -> None:
    repo.note()

    assert not repo.note(message="Again")
    assert repo.messages() == ["Promote a rule"]


def test_a_file_that_git_ignores_stays_out(repo: Repo) -> None:
    (repo.home.root / ".gitignore").write_text("/memory/*/\n")

    assert not repo.note()
    assert repo.git("status", "--porcelain") == "?? .gitignore\n"


def test_a_file_that_is_gone_is_committed_as_gone(repo: Repo) -> None:
    repo.note()
    repo.memory.unlink()

    assert repo.note(message="Forget")
    assert repo.git("ls-files") == ""


def test_no_hook_of_the_repository_is_run(repo: Repo) -> None:
    for name in ("pre-commit", "commit-msg", "post-commit"):
        hook = repo.home.root / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\ntouch ran\nexit 1\n")
        hook.chmod(0o755)

    assert repo.note()
    assert not list(repo.home.root.glob("**/ran"))


def test_a_signer_that_asks_is_not_asked(repo: Repo) -> None:
    repo.git("config", "commit.gpgSign", "true")
    repo.git("config", "gpg.program", "/bin/false")

    assert repo.note()


def test_a_lock_in_the_way_leaves_it_for_the_next_commit(repo: Repo) -> None:
    repo.note()
    lock = repo.home.root / ".git" / "index.lock"
    lock.touch()
    repo.memory.write_text("- Another line.\n")

    assert not repo.note(message="While locked")

    lock.unlink()
    assert repo.note(message="Later")
    assert repo.git("show", "HEAD:memory/scout/MEMORY.md") == "- Another line.\n"
    assert repo.messages() == ["Later", "Promote a rule"]


def test_it_is_off_where_a_person_says_so_and_where_there_is_no_repository(
    repo: Repo, tmp_path: Path
) -> None:
    bare = Home(tmp_path / "bare")
    bare.memory("scout").mkdir(parents=True)
    bare.memory_file("scout").write_text("- A line.\n")

    assert not repo.note(git="off")
    assert not note(bare, [bare.memory_file("scout")], "Promote a rule")


def test_a_repository_that_is_broken_is_no_error(repo: Repo) -> None:
    shutil.rmtree(repo.home.root / ".git")
    (repo.home.root / ".git").write_text("gitdir: /nowhere\n")

    assert not repo.note()


def test_a_link_and_a_path_elsewhere_stay_out(repo: Repo, tmp_path: Path) -> None:
    link = repo.memory.with_name("link.md")
    link.symlink_to(tmp_path / "elsewhere.md")

    assert not repo.note(link, tmp_path / "elsewhere.md")


def test_names_that_look_like_options_or_patterns_are_names(repo: Repo) -> None:
    odd = [repo.home.root / "-A.md", repo.home.root / "*.md", repo.home.root / ":(top).md"]
    for path in odd:
        path.write_text("odd")
    (repo.home.root / "plain.md").write_text("plain")

    assert repo.note(*odd)
    assert repo.git("status", "--porcelain") == "?? memory/\n?? plain.md\n"
