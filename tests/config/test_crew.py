"""A crew: every file of a home read together, each kept while it was last good."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.crew import Crew, read_crew
from harness.config.home import Home

FILES = {
    "cron.yaml": "jobs: {}\n",
    "agents/scout/SOUL.md": "---\nname: scout\ndescription: Scouts.\nskills: [rank]\n---\nLook.",
    "skills/rank/SKILL.md": "---\nname: rank\ndescription: Ranks.\n---\nSort.",
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return Home(tmp_path)


def read(home: Home, last: Crew | None = None) -> Crew:
    return read_crew(home, frozenset(), last=last, environment={})


def test_each_agent_has_its_skills(home: Home) -> None:
    crew = read(home)

    assert [skill.body for skill in crew.skills["scout"]] == ["Sort."]
    assert crew.problems == ()


def test_a_skill_that_no_longer_parses_keeps_its_last_good_version(home: Home) -> None:
    before = read(home)
    (home.skills / "rank" / "SKILL.md").write_text("---\nname: rank\n---\nNew.")

    after = read(home, before)

    assert after.skills == before.skills
    assert [problem.message for problem in after.problems] == ["missing key `description`"]
    assert read(home).skills["scout"] == []


def test_a_skill_that_is_taken_away_is_gone_and_who_names_it_is_told(home: Home) -> None:
    before = read(home)
    (home.skills / "rank" / "SKILL.md").rename(home.root / "elsewhere.md")

    after = read(home, before)

    assert after.skills["scout"] == []
    (problem,) = after.problems
    assert (problem.line, problem.message) == (4, "unknown skill `rank`")


def test_a_bad_profile_holds_up_no_other_change(home: Home) -> None:
    before = read(home)
    home.cron_file.write_text("jobs:\n  look: {agent: scout, cron: '0 7 * * *', prompt: Look.}\n")
    (home.agent("scout") / "SOUL.md").write_text("---\nname: [\n---\n")

    after = read(home, before)

    assert after.profiles == before.profiles
    assert list(after.crontab.jobs) == ["look"]
    assert [problem.path.name for problem in after.problems] == ["SOUL.md"]
