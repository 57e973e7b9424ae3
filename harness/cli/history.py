"""The history of a memory by git, after a person changed it with a command."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from harness.config.home import Home
from harness.config.settings import read_settings
from harness.errors import ConfigError
from harness.memory import history
from harness.memory.rules.journal import Change
from harness.memory.rules.longterm import LongTerm
from harness.memory.team.team import Team


def keep_history(memory: LongTerm, message: str) -> bool:
    """Make a commit of what was written, where the home is a repository and `memory.git` wants it.
    Settings that cannot be read keep nobody from anything: what was asked for is done by then."""
    written = [memory.path, *memory.home.learnings(memory.agent).glob("*")]
    return _kept(memory.home, written, message)


def keep_team_history(team: Team, change: Change, message: str, *also: Path) -> bool:
    """The same for a page of the team, with its journal."""
    written = [team.home.root / change.path, team.journal.path, *also]
    return _kept(team.home, written, message)


def _kept(home: Home, written: Iterable[Path], message: str) -> bool:
    try:
        git = read_settings(home.settings_file, os.environ).memory.git
    except ConfigError:
        return False
    return history.note(home, written, message, git=git)
