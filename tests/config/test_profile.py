"""Profiles: front matter and prompt, ours or Claude Code's."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config.home import Home
from harness.config.profile import comma_list, dangling, profile_files, read_profile
from harness.errors import ConfigError


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_profile_is_its_front_matter_and_its_prompt(tmp_path: Path) -> None:
    path = write(
        tmp_path / "agents/scout/SOUL.md",
        "---\nname: scout\ndescription: Looks.\ntools: [rss]\nmax_turns: 7\n---\n\nYou look.\n",
    )

    profile = read_profile(path, "scout")

    assert profile.front.tools == ["rss"]
    assert profile.front.max_turns == 7
    assert profile.prompt == "You look."
    assert profile.warnings == []


def test_both_forms_of_profile_are_found_and_the_team_files_are_not(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for name in ("zoe/SOUL.md", "scout.md", "AGENTS.md", "USER.md", "zoe.md"):
        write(home.agents / name, "")

    assert [name for name, _ in profile_files(home)] == ["zoe", "scout"]


def test_an_agent_file_of_claude_code_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "agents/reviewer.md",
        "---\nname: reviewer\ndescription: Reviews.\ntools: Read, Agent(a, b), Grep\n"
        "model: inherit\npermissionMode: bypassPermissions\nmaxTurns: 3\ncolor: red\n---\nGo.\n",
    )

    profile = read_profile(path, "reviewer")

    assert profile.front.tools == ["Read", "Agent(a, b)", "Grep"]
    assert profile.front.model is None
    assert profile.front.permission == "default"  # a foreign file grants nothing
    assert profile.front.max_turns == 3
    assert profile.warnings == ["unknown key `color` is kept and not used"]


def test_an_unknown_key_is_kept_and_warned_about(tmp_path: Path) -> None:
    path = write(tmp_path / "agents/a/SOUL.md", "---\nname: a\ndescription: d\nskilz: [x]\n---\n")

    profile = read_profile(path, "a")

    assert profile.front.model_extra == {"skilz": ["x"]}
    assert profile.warnings == ["unknown key `skilz` is kept and not used; did you mean `skills`?"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no front matter at all\n", "name"),
        ("---\nname: a\n---\n", "description"),
        ("---\nname: Not A Name\ndescription: d\n---\n", "name"),
        ("---\nname: b\ndescription: d\n---\n", "differs from its place"),
        ("---\nname: a\ndescription: d\npermission: everything\n---\n", "permission"),
        ("---\nname: [a\ndescription: d\n---\n", "SOUL.md:3"),
    ],
)
def test_a_bad_profile_says_what_is_wrong_and_where(
    tmp_path: Path, text: str, expected: str
) -> None:
    path = write(tmp_path / "agents/a/SOUL.md", text)

    with pytest.raises(ConfigError) as raised:
        read_profile(path, "a")

    rendered = str(raised.value)
    assert "SOUL.md:" in rendered
    assert expected in rendered + repr(raised.value.problems)


def test_names_that_point_at_nothing_are_told_with_their_line(tmp_path: Path) -> None:
    path = write(
        tmp_path / "agents/a/SOUL.md",
        "---\nname: a\ndescription: d\nmodel: chta\ntools:\n  - rss\n  - web_fech\n"
        "skills: [ranks]\n---\n",
    )

    problems = dangling(
        read_profile(path, "a"),
        models={"chat"},
        tools={"rss", "web_fetch"},
        agents={"a"},
        skills={"rank"},
    )

    assert [(problem.line, problem.hint) for problem in problems] == [
        (4, "did you mean `chat`?"),
        (7, "did you mean `web_fetch`?"),
        (8, "did you mean `rank`?"),
    ]


@given(st.lists(st.from_regex(r"\A[a-z]{1,5}(\([a-z]{1,3}(, [a-z]{1,3})?\))?\Z"), max_size=6))
def test_a_comma_list_reads_back_what_was_joined(names: list[str]) -> None:
    assert comma_list(", ".join(names)) == names


def test_no_agent_is_called_as_the_house_is(tmp_path: Path) -> None:
    path = write(tmp_path / "harness.md", "---\nname: harness\ndescription: Looks.\n---\nYou.\n")

    with pytest.raises(ConfigError) as error:
        read_profile(path, "harness")

    (problem,) = error.value.problems
    assert (problem.line, "is the house itself" in problem.message) == (2, True)
