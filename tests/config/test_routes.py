"""What the files say about requests that name nobody, and how a mistake in it is told."""

from __future__ import annotations

import pytest

from harness.config.crew import Crew, read_crew
from harness.config.home import Home
from harness.errors import ConfigError
from harness.tools.catalogue import KNOWN

RULES = """
router:
  rules:
    - {words: gold, agent: scout}
    - {words: [oil, gas], agent: scuot}
"""


def profile(home: Home, name: str, more: str = "") -> None:
    home.agent(name).mkdir()
    front = f"---\nname: {name}\ndescription: Does {name}.\n{more}---\nYou do.\n"
    (home.agent(name) / "SOUL.md").write_text(front)


def read(home: Home, **environment: str) -> Crew:
    return read_crew(home, KNOWN, environment=environment)


def test_a_rule_for_an_agent_that_is_not_there_is_told_with_its_place(home: Home) -> None:
    profile(home, "scout")
    home.settings_file.write_text(RULES)

    (problem,) = read(home).problems

    assert (problem.path, problem.line, problem.column) == (home.settings_file, 5, 34)
    assert (problem.message, problem.hint) == ("unknown agent `scuot`", "did you mean `scout`?")


def test_who_is_asked_in_doubt_must_be_there(home: Home) -> None:
    profile(home, "scout")
    home.settings_file.write_text("router:\n  unsure: clerk\n")

    (problem,) = read(home).problems

    assert (problem.line, problem.column, problem.message) == (2, 11, "unknown agent `clerk`")


def test_a_crew_without_the_default_is_no_mistake(home: Home) -> None:
    profile(home, "scout")

    assert read(home, HARNESS_ROUTER__TIMEOUT="1m").problems == ()


def test_a_variable_that_names_nobody_is_told_by_its_name(home: Home) -> None:
    profile(home, "scout")

    (problem,) = read(home, HARNESS_ROUTER__UNSURE="clerk").problems

    assert str(problem.path) == "HARNESS_ROUTER__UNSURE"


def test_settings_that_broke_meanwhile_keep_the_rules_that_were_read(home: Home) -> None:
    profile(home, "scout")
    home.settings_file.write_text(RULES)
    before = read(home)
    home.settings_file.write_text("router: [\n")

    crew = read_crew(home, KNOWN, last=before, environment={})

    assert crew.settings == before.settings
    assert {problem.path for problem in crew.problems} == {home.settings_file}


@pytest.mark.parametrize("rules", ["[{words: '?!', agent: scout}]", "[{words: [gold]}]"])
def test_a_rule_that_can_mean_nothing_is_refused(home: Home, rules: str) -> None:
    profile(home, "scout")
    home.settings_file.write_text(f"router:\n  rules: {rules}\n")

    with pytest.raises(ConfigError, match=r"no word in|missing key `agent`"):
        read(home)


def test_an_agent_says_which_words_are_its_business(home: Home) -> None:
    profile(home, "scout", "routes: [gold price, oil]\n")
    profile(home, "clerk", "routes: letters, the post\n")

    crew = read(home)

    assert crew.profiles["scout"].front.routes == ["gold price", "oil"]
    assert crew.profiles["clerk"].front.routes == ["letters", "the post"]


def test_a_word_that_is_none_is_told_with_its_place(home: Home) -> None:
    profile(home, "scout", "routes: [gold, '!']\n")

    (problem,) = read(home).problems

    assert (problem.line, problem.column) == (4, 16)
    assert problem.message == 'there is no word in "!"'
