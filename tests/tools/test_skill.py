"""`skill`: the instructions of a skill, and the files beside them."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.home import Home
from harness.config.skills import Skill
from harness.tools.context import ToolContext
from harness.tools.skill import MAX_BYTES, skill
from harness.tools.tool import ToolError
from tests.tools.desk import a_desk, planned, use


@pytest.fixture
def folder(home: Home) -> Path:
    folder = home.skills / "rank"
    (folder / "references").mkdir(parents=True)
    (folder / "SKILL.md").write_text("the file as it is")
    (folder / "references" / "weights.md").write_text("Papers first.")
    return folder


@pytest.fixture
def skilled(home: Home, folder: Path) -> ToolContext:
    return replace(a_desk(home), skills={"rank": Skill("rank", "Ranks.", folder, "First sort.")})


async def test_the_body_comes_as_it_was_last_good(skilled: ToolContext) -> None:
    output = await use(skill, skilled, name="rank")

    assert output.text == "First sort.\n\nFurther files of this skill: references/weights.md"
    assert output.data == {"files": ["references/weights.md"]}


async def test_the_body_comes_when_the_folder_is_gone(skilled: ToolContext, folder: Path) -> None:
    shutil.rmtree(folder)

    output = await use(skill, skilled, name="rank")

    assert (output.text, output.data) == ("First sort.", {"files": []})


async def test_a_further_file_is_read_on_need(skilled: ToolContext) -> None:
    output = await use(skill, skilled, name="rank", file="./references//weights.md")

    assert output.text == "Papers first."


async def test_the_folder_of_a_skill_may_be_a_link(
    skilled: ToolContext, folder: Path, tmp_path: Path
) -> None:
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")

    assert (await use(skill, skilled, name="rank", file="references/weights.md")).text


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"name": "rnk"}, "did you mean `rank`"),
        ({"name": "rank", "file": "weights.md"}, "known: .*references/weights.md"),
        ({"name": "rank", "file": "../../harness.yaml"}, "no file"),
        ({"name": "rank", "file": "references/../../../harness.yaml"}, "no file"),
        ({"name": "rank", "file": "/etc/passwd"}, "no file"),
        ({"name": "rank", "file": "references"}, "no file .* is a folder"),
        ({"name": "rank", "file": "link.yaml"}, "no file .* symbolic link"),
        ({"name": "rank", "file": "up/harness.yaml"}, "no file .* symbolic link"),
        ({"name": "rank", "file": "twin.yaml"}, "no file .* second name"),
        ({"name": "rank", "file": "pipe"}, "no file .* no plain file"),
        ({"name": "rank", "file": "image.png"}, "no file .* no text"),
        ({"name": "rank", "file": "huge"}, "no file .* too large"),
    ],
)
async def test_what_is_not_there_or_not_its_own_is_told(
    skilled: ToolContext, folder: Path, wish: dict[str, str], why: str
) -> None:
    settings = skilled.home.root / "harness.yaml"
    settings.write_text("secret")
    (folder / "link.yaml").symlink_to(settings)
    (folder / "up").symlink_to("../..")
    (folder / "twin.yaml").hardlink_to(settings)
    (folder / "image.png").write_bytes(b"\x89PNG\0")
    (folder / "huge").write_bytes(b"x" * (MAX_BYTES + 1))
    os.mkfifo(folder / "pipe")

    with pytest.raises(ToolError, match=why) as caught:
        await use(skill, skilled, **wish)

    assert "secret" not in str(caught.value)


def test_the_plan_names_the_skill(skilled: ToolContext) -> None:
    assert planned(skill, skilled, name="rank").about == "rank"
