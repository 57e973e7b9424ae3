"""At night lessons that generalise are proposed as skills, once, and told."""

from __future__ import annotations

from collections.abc import Sequence

from harness.memory.skills.proposals import approve, proposals, reject
from harness.memory.team.proposals import Proposals
from harness.text.secrets import Redactor
from tests.flows.conftest import clock, house
from tests.flows.house import House
from tests.services.night import book, night, seen

__all__ = ["clock", "house"]

PARTS = ("alpha", "beta", "gamma")


def learn(house: House, agent: str = "trading", parts: Sequence[str] = PARTS) -> None:
    for part in parts:
        seen(
            house,
            agent,
            key=f"api.{part}",
            summary=f"The {part} endpoint refused its {part} schema.",
            fix=f"When calling the {part} endpoint, send the {part} schema.",
            error=f"{part} schema refused",
            title=part,
            tag=part,
        )


async def test_the_rules_of_an_area_are_proposed_as_a_skill_and_told(house: House) -> None:
    async with night(house) as crew:
        learn(house)

        ended = await crew.work("reflect", "gather")
        again = await crew.work("gather")

        (found,) = proposals(house.home)
        assert found.name == "api-rules"
        assert "skill api-rules: 3 promoted lessons are of the area `api`" in ended.result.text
        assert "api-rules" not in again.result.text
        (deed,) = await crew.deeds("skill.proposed")
        assert len(deed["entries"]) == 3


async def test_a_rejected_skill_does_not_come_back_the_next_night(house: House) -> None:
    async with night(house) as crew:
        learn(house)
        await crew.work("reflect", "gather")
        reject(house.home, "api-rules")

        await crew.work("reflect", "gather")

        assert proposals(house.home) == []


async def test_a_folder_that_cannot_be_written_is_told_and_stops_nothing(house: House) -> None:
    async with night(house) as crew:
        learn(house)
        house.home.skills.mkdir(exist_ok=True)
        (house.home.skills / ".proposed").write_text("in the way")

        ended = await crew.work("reflect", "gather")

        assert "skills: " in ended.result.text
        assert len(crew.rules()) == 3


async def test_an_area_that_two_agents_know_is_one_skill_and_nothing_else(house: House) -> None:
    async with night(house) as crew:
        learn(house)
        learn(house, "ainews")

        await crew.work("reflect", "gather")
        await crew.work("gather")
        waiting = Proposals(house.home, Redactor())
        before = waiting.waiting()
        approve(house.home, "api-rules", lambda agent: book(house, agent))
        ended = await crew.work("gather")

    assert before == waiting.waiting() == []
    assert ended.result.text == ""


async def test_a_lesson_that_waits_as_a_rule_for_the_team_goes_into_no_skill(house: House) -> None:
    async with night(house) as crew:
        learn(house, parts=PARTS[:1])
        learn(house, "ainews", parts=PARTS[:1])
        await crew.work("reflect", "gather")
        learn(house, parts=PARTS[1:])
        await crew.work("reflect", "gather")

    assert len(Proposals(house.home, Redactor()).waiting()) == 1
    assert proposals(house.home) == []
