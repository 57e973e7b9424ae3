"""Agents who have a limit in harness.yaml: each of them must be in the home."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.crew import Crew, read_crew
from harness.config.home import Home
from harness.config.rules import KnownTools


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    for name in ("scout", "zoe"):
        soul = home.agents / name / "SOUL.md"
        soul.parent.mkdir(parents=True)
        soul.write_text(f"---\nname: {name}\ndescription: One.\n---\nLook.")
    home.cron_file.write_text("jobs: {}\n")
    return home


def read(home: Home, text: str) -> Crew:
    home.settings_file.write_text(text)
    return read_crew(home, KnownTools(frozenset()), environment={})


def test_a_limit_of_somebody_unknown_is_told_with_its_place_and_the_others_hold(
    home: Home,
) -> None:
    crew = read(home, "models:\n  limits:\n    agents:\n      zoe: 5000\n      skout: 9000\n")

    (problem,) = crew.problems
    assert (problem.path, problem.line, problem.column) == (home.settings_file, 5, 7)
    assert (problem.message, problem.hint) == ("unknown agent `skout`", "did you mean `scout`?")
    assert crew.settings.models.limits.agents["zoe"] == 5000


def test_the_house_itself_may_have_a_limit(home: Home) -> None:
    crew = read(home, "models: {limits: {agents: {harness: 5000, scout: 1000}}}\n")

    assert crew.problems == ()


def test_a_limit_that_holds_for_nothing_is_remarked_on(home: Home) -> None:
    crew = read(home, "models: {limits: {money: 2}}\n")

    (remark,) = [warning for warning in crew.warnings if "money" in warning]
    assert remark == (
        "harness.yaml: `models.limits.money` holds for nothing: no profile has a `price`"
    )
