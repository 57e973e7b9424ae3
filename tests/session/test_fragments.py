"""Which sections of skills an agent is shown with its task."""

from __future__ import annotations

from pathlib import Path

from harness.config.skills import Skill
from harness.memory.search.units import Hit, Unit
from harness.session.fragments import fragments

HOME = Path("/home/crew")
OWN = Skill("rank", "Ranks.", HOME / "agents/scout/skills/rank", "")
SHARED = Skill("digest", "Merges.", HOME / "skills/digest", "")


def hit(path: str, text: str, *, kind: str = "skill", outside: tuple[str, ...] = ()) -> Hit:
    unit = Unit(path, 7, text, None, kind, None, "Merge", outside, None)
    return Hit(unit, text, 1.0)


def shown(*hits: Hit, most: int = 3) -> list[str]:
    return [each.text for each in fragments(hits, [OWN, SHARED], HOME, most)]


def test_the_best_three_sections_of_the_agents_own_skills_come() -> None:
    found = [hit("skills/digest/SKILL.md", text) for text in "abcd"]
    own = hit("agents/scout/skills/rank/SKILL.md", "own")

    assert shown(found[0], own, *found[1:]) == ["a", "own", "b"]
    assert shown(*found, most=1) == ["a"]


def test_a_skill_that_the_agent_lacks_is_never_shown() -> None:
    others = ["skills/rank/SKILL.md", "agents/zoe/skills/rank/SKILL.md", "skills/other/SKILL.md"]

    assert shown(*(hit(path, "secret") for path in others)) == []


def test_what_is_no_skill_or_a_strangers_stays_where_it_is() -> None:
    path = "skills/digest/SKILL.md"

    assert shown(hit(path, "a", kind="shared"), hit(path, "b", outside=("example.org",))) == []


def test_a_fragment_says_where_it_is_from_and_how_to_read_all_of_it() -> None:
    (found,) = fragments([hit("skills/digest/SKILL.md", "Group them.")], [SHARED], HOME)

    assert found.told() == (
        "From your skill `digest`, Merge (skills/digest/SKILL.md:7; "
        "read all of it with the tool `skill` before you work by it):\nGroup them."
    )
