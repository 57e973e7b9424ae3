"""Rules that do not help go on, one step at a time: to the protocol, to a check, to the person."""

from __future__ import annotations

from datetime import timedelta

from harness.memory.learning import Learning
from harness.memory.lessons.entries import parse
from harness.memory.team.proposals import ProposalKind, Proposals
from harness.text.secrets import Redactor
from tests.flows.conftest import clock, house
from tests.flows.house import House
from tests.services.night import FIX, Night, book, night, seen

__all__ = ["clock", "house"]


def kinds(house: House) -> list[ProposalKind]:
    return [each.wish.kind for each in Proposals(house.home, Redactor()).waiting()]


async def fails_again(house: House, tag: str, times: int = 3) -> Learning:
    """The mistake is made on as many further days."""
    await house.clock.advance(timedelta(days=times).total_seconds())
    return seen(house, times=times, tag=tag)


async def with_a_rule(at_night: Night) -> Learning:
    learning = seen(at_night.house)
    await at_night.work("reflect")
    assert at_night.rules() == [FIX]
    return learning


async def test_a_rule_that_does_not_help_goes_on_step_by_step(house: House) -> None:
    async with night(house) as at_night:
        learning = await with_a_rule(at_night)
        await fails_again(house, "x")
        first = await at_night.work("reflect")
        repeated = await at_night.work("reflect")
        after_first = kinds(house)
        await fails_again(house, "y")
        second = await at_night.work("reflect")
        await fails_again(house, "z")
        third = await at_night.work("reflect")
        await fails_again(house, "u")
        fourth = await at_night.work("reflect")

    assert "## Rules that do not help" in first.result.text
    assert repeated.result.text == ""
    assert after_first == [ProposalKind.PROTOCOL]
    assert "proposed as contract" in second.result.text
    assert kinds(house) == [ProposalKind.PROTOCOL, ProposalKind.CONTRACT]
    assert "## Needs you\n\n- **P0** trading: " in third.result.text
    assert fourth.result.text == ""
    assert book(house, "trading").get(learning.id).priority == "critical"


async def test_the_entry_remembers_the_step_and_keeps_every_other_byte(house: House) -> None:
    async with night(house) as at_night:
        learning = await with_a_rule(at_night)
        await fails_again(house, "x")
        path = house.home.learnings("trading") / "ERRORS.md"
        before = path.read_text()
        await at_night.work("reflect")

    (entry,) = parse(path.read_text()).entries
    assert entry.id == learning.id
    assert entry.field("Escalated") == "protocol 2026-01-08"
    assert path.read_text().replace("\n- Escalated: protocol 2026-01-08", "") == before


async def test_a_proposed_check_names_the_pattern(house: House) -> None:
    async with night(house) as at_night:
        await with_a_rule(at_night)
        for tag in "xy":
            await fails_again(house, tag)
            await at_night.work("reflect")

    contract = Proposals(house.home, Redactor()).waiting()[1]
    assert "The pattern to check for: `data.wrong-field`" in contract.wish.evidence


async def test_a_rule_that_a_person_removed_goes_nowhere(house: House) -> None:
    async with night(house) as at_night:
        await with_a_rule(at_night)
        house.home.memory_file("trading").write_text("# Memory\n")
        await fails_again(house, "x")
        ended = await at_night.work("reflect")

    assert ended.result.text == ""
    assert kinds(house) == []
    assert at_night.rules() == []


async def test_one_more_time_is_no_escalation(house: House) -> None:
    async with night(house) as at_night:
        await with_a_rule(at_night)
        await fails_again(house, "x", times=1)
        ended = await at_night.work("reflect")

    assert ended.result.text == ""
    assert kinds(house) == []
