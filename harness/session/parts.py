"""Reading what a prompt is made of from the home's files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from harness.bus.port import Task
from harness.config.document import Document
from harness.config.home import Home
from harness.config.profile import Profile
from harness.errors import ConfigError
from harness.session.prompt import Ask, Parts, Skill, TextFile


def read_parts(home: Home, profile: Profile, task: Task, now: datetime) -> Parts:
    """The parts of `profile`'s prompt for `task`; `now` is in the agent's time zone.

    Files that are not there are left out. Reads files: call it off the event loop when
    the home may be slow.
    """
    memory = read_text(home.memory_file(profile.name))
    return Parts(
        profile=profile.prompt,
        ask=Ask(task.prompt, task.sender, now, task.title, task.job),
        protocol=read_text(home.protocol_file),
        user=read_text(home.user_file),
        skills=tuple(read_skills(home, profile.name, profile.front.skills)),
        memory=TextFile(within(home, home.memory_file(profile.name)), memory),
        shared=tuple(read_folder(home, home.shared_context)),
    )


def read_skills(home: Home, agent: str, wanted: Sequence[str]) -> Iterator[Skill]:
    """The agent's own skills, and the shared ones that its profile names, by name.

    One of its own hides a shared one of the same name. A skill that does not parse is
    left out: the crew works on without it.
    """
    own = sorted((home.agent(agent) / "skills").glob("*/SKILL.md"))
    shared = [home.skills / name / "SKILL.md" for name in wanted]
    seen = set()
    for path in [*own, *shared]:
        if path.parent.name not in seen and (skill := read_skill(home, path)):
            seen.add(path.parent.name)
            yield skill


def read_skill(home: Home, path: Path) -> Skill | None:
    if not path.is_file():
        return None
    try:
        front = Document.read(path).data
    except ConfigError:
        return None
    if not isinstance(front, dict) or not front.get("description"):
        return None
    name = str(front.get("name", path.parent.name))
    return Skill(name, str(front["description"]), within(home, path))


def read_folder(home: Home, folder: Path) -> Iterator[TextFile]:
    for path in sorted(folder.glob("*.md")):
        yield TextFile(within(home, path), read_text(path))


def read_text(path: Path) -> str:
    """The file's text, empty when there is none; bytes that are no UTF-8 become U+FFFD."""
    try:
        return path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return ""


def within(home: Home, path: Path) -> str:
    return path.relative_to(home.root).as_posix()
