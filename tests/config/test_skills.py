"""Skills: the Agent Skills format, and who has which."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.home import Home
from harness.config.skills import read_skill, skill_files, skills_of
from harness.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "SKILL.md"
    path.write_text(text)
    return path


def a_skill(folder: Path, description: str = "Does it.") -> Path:
    return write(folder, f"---\nname: {folder.name}\ndescription: {description}\n---\nBody.\n")


def test_a_skill_is_its_front_matter_and_its_body(tmp_path: Path) -> None:
    path = write(
        tmp_path / "rank",
        "---\nname: rank\ndescription: >-\n  Ranks\n  items.\nmetadata: {openclaw: {os: [linux]}}\n"
        "---\n\nFirst sort.\n",
    )

    skill = read_skill(path)

    assert (skill.name, skill.description, skill.body) == ("rank", "Ranks items.", "First sort.")
    assert skill.folder == tmp_path / "rank"


def test_all_keys_of_the_format_are_read_and_those_of_others_kept(tmp_path: Path) -> None:
    front = """---
name: rank
description: Ranks.
license: MIT
compatibility: Needs git.
metadata: {author: zoe}
allowed-tools: Bash(git status:*) Read
version: 1.2.0
platforms: [linux]
required_environment_variables: [{name: KEY, prompt: Key?}]
---
"""

    skill = read_skill(write(tmp_path / "rank", front))

    assert (skill.license, skill.compatibility) == ("MIT", "Needs git.")
    assert skill.metadata == {"author": "zoe"}
    assert skill.allowed_tools == ("Bash(git status:*)", "Read")
    assert skill.extras == {
        "version": "1.2.0",
        "platforms": ["linux"],
        "required_environment_variables": [{"name": "KEY", "prompt": "Key?"}],
    }


@pytest.mark.parametrize(
    "metadata",
    [
        '{ "openclaw": { "emoji": "x:y", "os": ["linux"], }, }',
        "{openclaw:{emoji:'x:y',os:['linux'],}}",
        """'{openclaw:{emoji:"x:y",os:["linux"],}}'""",
        "\n  openclaw:\n    emoji: x:y\n    os: [linux]",
    ],
)
def test_metadata_is_read_as_openclaw_writes_it(tmp_path: Path, metadata: str) -> None:
    front = f"---\nname: rank\ndescription: Ranks.\nmetadata: {metadata}\n---\n"

    skill = read_skill(write(tmp_path / "rank", front))

    assert skill.metadata == {"openclaw": {"emoji": "x:y", "os": ["linux"]}}


@pytest.mark.parametrize("tools", ["Read Bash(a b)", "Read, Bash(a b)", "[Read, Bash(a b)]"])
def test_tools_are_read_with_spaces_commas_or_as_a_list(tmp_path: Path, tools: str) -> None:
    front = f"---\nname: rank\ndescription: Ranks.\nallowed-tools: {tools}\n---\n"

    assert read_skill(write(tmp_path / "rank", front)).allowed_tools == ("Read", "Bash(a b)")


def test_what_waits_for_a_decision_is_no_skill(tmp_path: Path) -> None:
    home = Home(tmp_path)
    a_skill(home.skills / ".proposed")
    a_skill(home.skills / ".proposed" / "rank")
    a_skill(home.agent("scout") / "skills" / ".draft")
    here = a_skill(home.skills / "check")

    assert list(skill_files(home)) == [here]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("---\nname: rank\n---\n", 2, 1, "missing key `description`"),
        ("---\nname: Rank\ndescription: x\n---\n", 2, 7, "should match"),
        ("---\nname: other\ndescription: x\n---\n", 2, 7, "differs from its folder, `rank`"),
        ("---\nname: [\n---\n", 2, 8, "never closed"),
        ("no front matter", 1, 1, "the file has no front matter"),
        ("---\nname: rank\ndescription: x\nmetadata: words\n---\n", 4, 11, "should be a mapping"),
        (f"---\nname: rank\ndescription: x\ncompatibility: {'x' * 501}\n---\n", 4, 16, "at most"),
    ],
)
def test_what_is_wrong_with_a_skill_is_placed(
    tmp_path: Path, text: str, line: int, column: int, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_skill(write(tmp_path / "rank", text))

    problem = caught.value.problems[0]
    assert (problem.line, problem.column) == (line, column)
    assert message in problem.message


def test_an_agent_has_its_own_skills_and_the_shared_ones_that_it_names(tmp_path: Path) -> None:
    home = Home(tmp_path)
    a_skill(home.skills / "rank", "Shared rank.")
    a_skill(home.skills / "other")
    a_skill(home.skills / "check")
    a_skill(home.agent("scout") / "skills" / "rank", "Own rank.")
    a_skill(home.agent("zoe") / "skills" / "lead")
    known = [read_skill(path) for path in skill_files(home)]

    skills = skills_of(home, "scout", ["check", "rank", "gone"], known)

    assert [(skill.name, skill.description) for skill in skills] == [
        ("check", "Does it."),
        ("rank", "Own rank."),
    ]
