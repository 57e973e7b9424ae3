"""The history of memory files by git, where the home is a repository of its own.

The journal is what undo goes by. This is for the person: `git log -p memory/` shows what became of
a rule. It never takes along what else is staged, and never stands in the way of what it tells of.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog

from harness.children import child_environment
from harness.config.home import Home

log = structlog.get_logger("memory")

SECONDS = 10.0  # for one call of git
NOBODY = ("-c", "user.name=Harness", "-c", "user.email=harness@localhost")
# nothing that a repository's config names is run for a commit of ours, and nothing asks
QUIET = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "commit.gpgSign=false"),
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "core.editor=false"),
    *("-c", "core.askPass=false", "-c", "commit.template=", "--no-pager"),
)


def note(home: Home, paths: Iterable[Path], message: str, *, git: str = "auto") -> bool:
    """Make one commit of exactly these files as they are now, and say whether there is one.

    None is made where `git` is off (`memory.git`), the home is no repository or git is not there;
    for files that git ignores, that are links, or that did not change; while a merge or somebody
    else's lock is in the way. Then the next commit of the same file takes the change along. Takes
    up to a few times SECONDS: call it off the event loop. Raises nothing.
    """
    if git == "off" or not (home.root / ".git").exists():
        return False
    program = shutil.which("git")
    if program is None:
        return False
    try:
        return Repository(program, home.root).commit(plain_files(home, paths), message)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        log.info("no commit of memory files", error=str(error))
        return False


def plain_files(home: Home, paths: Iterable[Path]) -> list[str]:
    """The names below the home of those that are files there, or were."""
    below = (path for path in paths if path.is_relative_to(home.root) and not path.is_symlink())
    return sorted({path.relative_to(home.root).as_posix() for path in below})


class Repository:
    """The calls of git that a commit takes."""

    def __init__(self, program: str, root: Path) -> None:
        self.program = program
        self.root = root

    def commit(self, names: Sequence[str], message: str) -> bool:
        kept = [name for name in names if self.is_kept(name)]
        if not kept:
            return False
        # what is new must be in the index before a commit can be of it alone
        added = self.git("add", "--intent-to-add", "--", *kept)
        if added.returncode == 0 and not self.has_changed(kept):
            return False
        author = () if self.knows_author() else NOBODY
        made = self.git(
            *("commit", "--only", "--no-verify", "--quiet", "-m", message, "--", *kept), also=author
        )
        if made.returncode:
            said = " ".join((made.stderr or made.stdout or added.stderr).split())
            log.info("no commit of memory files yet", files=kept, said=said[:300])
        return made.returncode == 0

    def is_kept(self, name: str) -> bool:
        """Whether it is a file of the repository, or may become one."""
        if self.git("ls-files", "--error-unmatch", "--", name).returncode == 0:
            return True
        # it knows no literal names; what begins with a dot and a slash is no pattern's magic
        ignored = self.git("check-ignore", "--quiet", "--", f"./{name}", literal=False).returncode
        return ignored == 1 and (self.root / name).is_file()

    def has_changed(self, names: Sequence[str]) -> bool:
        return bool(self.git("status", "--porcelain", "--", *names).stdout.strip())

    def knows_author(self) -> bool:
        return all(
            self.git("config", "--get", key).stdout.strip() for key in ("user.name", "user.email")
        )

    def git(
        self, *words: str, also: Sequence[str] = (), literal: bool = True
    ) -> subprocess.CompletedProcess[str]:
        names = ["--literal-pathspecs"] if literal else []
        return subprocess.run(
            [self.program, *QUIET, *names, *also, *words],
            cwd=self.root,
            env=child_environment(os.environ)
            | {"GIT_TERMINAL_PROMPT": "0", "GIT_CEILING_DIRECTORIES": str(self.root.parent)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
        )
