"""`skill`: the instructions of a skill, and the files beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.config.skills import Skill
from harness.tools.context import ToolContext
from harness.tools.skill import skill
from harness.tools.tool import ToolError


@pytest.fixture
def skilled(ctx: ToolContext) -> ToolContext:
    folder = ctx.home.skills / "rank"
    (folder / "references").mkdir(parents=True)
    (folder / "SKILL.md").write_text("the file as it is")
    (folder / "references" / "weights.md").write_text("Papers first.")
    return replace(ctx, skills={"rank": Skill("rank", "Ranks.", folder, "First sort.")})


async def test_the_body_comes_as_it_was_last_good(skilled: ToolContext) -> None:
    output = await skill(skilled, {"name": "rank"})

    assert output.text == "First sort."
    assert output.data == {"files": ["references/weights.md"]}


async def test_a_further_file_is_read_on_need(skilled: ToolContext) -> None:
    output = await skill(skilled, {"name": "rank", "file": "references/weights.md"})

    assert output.text == "Papers first."


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"name": "rnk"}, "did you mean `rank`"),
        ({"name": "rank", "file": "weights.md"}, "known: references/weights.md"),
        ({"name": "rank", "file": "../../harness.yaml"}, "no file"),
        ({"name": "rank", "file": "/etc/passwd"}, "no file"),
        ({"name": "rank", "file": "references"}, "no file"),
    ],
)
async def test_what_is_not_there_is_told(
    skilled: ToolContext, wish: dict[str, str], why: str
) -> None:
    (skilled.home.root / "harness.yaml").write_text("secret")

    with pytest.raises(ToolError, match=why):
        await skill(skilled, wish)
