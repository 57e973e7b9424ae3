"""A crew: every file of a home read together, each kept while it was last good."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.crew import Crew, read_crew
from harness.config.home import Home
from harness.config.rules import KnownTools
from harness.errors import ConfigError

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
    return read_crew(home, KnownTools(frozenset()), last=last, environment={})


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


def test_a_profile_whose_model_is_nowhere_defined_keeps_its_last_version(home: Home) -> None:
    before = read(home)
    soul = home.agent("scout") / "SOUL.md"
    soul.write_text("---\nname: scout\ndescription: Scouts.\nmodel: ofline\n---\nNew.")

    after = read(home, before)

    assert after.profiles == before.profiles
    assert after.refused == {soul}
    (problem,) = after.problems
    assert (problem.line, problem.message) == (4, "unknown model profile `ofline`")


def test_an_agent_whose_model_is_nowhere_defined_is_left_out(home: Home) -> None:
    soul = home.agent("scout") / "SOUL.md"
    soul.write_text("---\nname: scout\ndescription: Scouts.\nmodel: fast\n---\nLook.")
    with_fast = "models: {profiles: {chat: &any {provider: extractive}, fast: *any}}\n"

    first = read(home)
    home.settings_file.write_text(with_fast)
    second = read(home, first)
    home.settings_file.write_text(with_fast.replace("fast", "other"))
    third = read(home, second)

    assert [(list(crew.profiles), crew.left_out) for crew in (first, second, third)] == [
        ([], ("scout",)),
        (["scout"], ()),
        ([], ("scout",)),
    ]
    assert [problem.path for problem in third.problems] == [soul]
    assert third.refused == frozenset()


def test_without_the_folder_of_the_agents_everything_stays_in_force(home: Home) -> None:
    own = home.agent("scout") / "skills" / "sift" / "SKILL.md"
    own.parent.mkdir(parents=True)
    own.write_text("---\nname: sift\ndescription: Sifts.\n---\nSift.")
    home.cron_file.write_text("jobs:\n  look: {agent: scout, cron: '0 7 * * *', prompt: Look.}\n")
    before = read(home)
    home.agents.rename(home.root / "away")

    after = read(home, before)

    assert (after.profiles, after.skills) == (before.profiles, before.skills)
    assert list(after.crontab.jobs) == ["look"]
    assert [problem.render() for problem in after.problems] == [
        f"{home.agents}: the folder is not there"
    ]
    assert after.refused == {home.agents}


def test_an_agent_that_is_taken_away_is_gone_and_the_schedule_that_names_it_stays(
    home: Home,
) -> None:
    home.cron_file.write_text("jobs:\n  look: {agent: scout, cron: '0 7 * * *', prompt: Look.}\n")
    before = read(home)
    (home.agent("scout") / "SOUL.md").unlink()

    after = read(home, before)

    assert (after.profiles, after.left_out) == ({}, ())
    assert after.crontab == before.crontab
    (problem,) = after.problems
    assert (problem.path.name, problem.line) == ("cron.yaml", 2)


def test_without_cron_yaml_the_last_schedule_stays(home: Home) -> None:
    before = read(home)
    home.cron_file.unlink()

    after = read(home, before)

    assert after.crontab == before.crontab
    assert [problem.message for problem in after.problems] == [
        "cannot be read: No such file or directory"
    ]


@pytest.mark.parametrize(
    ("defaults", "line", "channels"),
    [
        ("", "", ["log"]),
        ("deliver: archive", "", ["archive"]),
        ("deliver: []", "", []),
        ("", "deliver: [phone]", ["phone"]),
        ("deliver: archive", "deliver: []", []),
    ],
)
def test_an_answer_goes_where_the_nearest_word_says(
    home: Home, defaults: str, line: str, channels: list[str]
) -> None:
    home.settings_file.write_text("delivery: {default: [log]}\n")
    home.cron_file.write_text(
        f"defaults: {{{defaults}}}\n"
        f"jobs:\n  look: {{agent: scout, cron: '0 7 * * *', prompt: Look., {line}}}\n"
    )

    assert read(home).crontab.jobs["look"].line.deliver == channels


def test_what_a_profile_asks_and_nothing_here_does_yet_is_said(home: Home) -> None:
    soul = home.agent("scout") / "SOUL.md"
    front = "name: scout\ndescription: Scouts.\n"
    soul.write_text(f"---\n{front}contract: {{min_chars: 500}}\npermission: plan\n---\n")

    assert read(home).warnings == (f"{soul}: `contract` is not used by this version yet",)

    soul.write_text(f"---\n{front}permission: default\n---\n")

    assert read(home).warnings == ()


def test_a_first_reading_without_the_folder_of_the_agents_tells_of_nothing_else(home: Home) -> None:
    home.cron_file.write_text("jobs:\n  look: {agent: scout, cron: '0 7 * * *', prompt: Look.}\n")
    home.agents.rename(home.root / "away")

    with pytest.raises(ConfigError) as raised:
        read(home)

    assert str(raised.value) == f"{home.agents}: the folder is not there"


def test_a_rule_that_cannot_stand_hides_no_unknown_tool(home: Home) -> None:
    soul = home.agent("scout") / "SOUL.md"
    soul.write_text(
        "---\nname: scout\ndescription: Scouts.\ntools: ['run(python:*)', shel]\n---\nScout."
    )
    known = KnownTools(frozenset({"run"}), unfit=lambda rule: "it runs anything")

    crew = read_crew(home, known, environment={})

    assert [problem.message for problem in crew.problems] == [
        "`run(python:*)` cannot be allowed: it runs anything",
        "unknown tool `shel`",
    ]
    assert crew.left_out == ("scout",)
