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


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("---\nname: rank\n---\n", 2, 1, "missing key `description`"),
        ("---\nname: Rank\ndescription: x\n---\n", 2, 7, "should match"),
        ("---\nname: other\ndescription: x\n---\n", 2, 7, "differs from its folder, `rank`"),
        ("---\nname: [\n---\n", 2, 8, "never closed"),
        ("no front matter", 1, 1, "the file has no front matter"),
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
