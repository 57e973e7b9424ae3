"""Reading what a prompt is made of from the home's files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from harness.bus.handed import handed_in
from harness.bus.outside import outside_of
from harness.bus.port import Task
from harness.config.home import Home
from harness.config.profile import Profile
from harness.config.skills import Skill
from harness.session.prompt import Ask, Parts, TextFile


def read_parts(
    home: Home, profile: Profile, skills: Iterable[Skill], task: Task, now: datetime
) -> Parts:
    """The parts of `profile`'s prompt for `task`; `now` is in the agent's time zone.

    Files that are not there are left out. Reads files: call it off the event loop when
    the home may be slow.
    """
    memory = read_text(home.memory_file(profile.name))
    handed, outside = handed_in(task.payload), tuple(outside_of(task.payload))
    return Parts(
        profile=profile.prompt,
        ask=Ask(task.prompt, task.sender, now, task.title, task.job, handed, outside),
        protocol=read_text(home.protocol_file),
        user=read_text(home.user_file),
        skills=tuple(skills),
        memory=TextFile(within(home, home.memory_file(profile.name)), memory),
        shared=tuple(read_folder(home, home.shared_context)),
    )


def read_folder(home: Home, folder: Path) -> Iterator[TextFile]:
    for path in sorted(folder.glob("*.md")):
        if path.is_symlink() or not path.is_file():  # a link may lead to what nobody may read
            continue
        yield TextFile(within(home, path), read_text(path))


def read_text(path: Path) -> str:
    """The file's text, empty when there is none; bytes that are no UTF-8 become U+FFFD."""
    try:
        return path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return ""


def within(home: Home, path: Path) -> str:
    return path.relative_to(home.root).as_posix()
