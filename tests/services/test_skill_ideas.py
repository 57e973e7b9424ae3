"""At night lessons that generalise are proposed as skills, once, and told."""

from __future__ import annotations

from harness.memory.skills.proposals import proposals, reject
from tests.flows.conftest import clock, house
from tests.flows.house import House
from tests.services.night import night, seen

__all__ = ["clock", "house"]

PARTS = ("alpha", "beta", "gamma")


def learn(house: House) -> None:
    for part in PARTS:
        seen(
            house,
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
