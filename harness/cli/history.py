"""The history of a memory by git, after a person changed it with a command."""

from __future__ import annotations

import os

from harness.config.settings import read_settings
from harness.errors import ConfigError
from harness.memory import history
from harness.memory.rules.longterm import LongTerm


def keep_history(memory: LongTerm, message: str) -> bool:
    """Make a commit of what was written, where the home is a repository and `memory.git` wants it.
    Settings that cannot be read keep nobody from anything: what was asked for is done by then."""
    try:
        git = read_settings(memory.home.settings_file, os.environ).memory.git
    except ConfigError:
        return False
    written = [memory.path, *memory.home.learnings(memory.agent).glob("*")]
    return history.note(memory.home, written, message, git=git)
