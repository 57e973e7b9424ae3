"""Reading the parts of a prompt from a home on disk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.bus.port import Priority, State, Task
from harness.config.home import Home
from harness.config.profile import Profile, read_profile
from harness.session.parts import read_parts
from harness.session.prompt import compose
from harness.session.wording import wording

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FILES = {
    "agents/AGENTS.md": "Be brief.",
    "agents/USER.md": "Ada.",
    "agents/scout/SOUL.md": "---\nname: scout\ndescription: Scouts.\n---\nYou are Scout.",
    "memory/scout/MEMORY.md": "- Lighthouses are tall.",
    "shared-context/priorities.md": "1. sea",
    "shared-context/notes.txt": "no markdown",
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return Home(tmp_path)


@pytest.fixture
def profile(home: Home) -> Profile:
    return read_profile(home.agent("scout") / "SOUL.md", "scout")


@pytest.fixture
def task() -> Task:
    return Task(
        id="01TASK",
        agent="scout",
        lane="scout",
        sender="cron",
        title="Morning.",
        prompt="Morning.",
        state=State.CONFIRMED,
        outcome=None,
        attempt=1,
        max_attempts=6,
        priority=Priority.P1,
        key=None,
        parent=None,
        root="01TASK",
        job="scout-morning",
        created_at=NOW,
        updated_at=NOW,
        not_before=NOW,
        deadline=None,
        timeout=timedelta(minutes=20),
        lease_until=None,
        owner=None,
        result=None,
        error=None,
        deliver=(),
        callback=False,
        payload={},
    )


def test_everything_of_the_home_is_found(home: Home, profile: Profile, task: Task) -> None:
    parts = read_parts(home, profile, [], task, NOW)

    assert parts.profile == "You are Scout."
    assert (parts.protocol, parts.user) == ("Be brief.", "Ada.")
    assert parts.memory is not None
    assert parts.memory.path == "memory/scout/MEMORY.md"
    assert [file.path for file in parts.shared] == ["shared-context/priorities.md"]
    assert parts.ask.job == "scout-morning"


def test_a_bare_home_gives_a_bare_prompt(tmp_path: Path, profile: Profile, task: Task) -> None:
    parts = read_parts(Home(tmp_path / "bare"), profile, [], task, NOW)

    assert compose(parts).system == f"You are Scout.\n\n{wording('outside')}"
