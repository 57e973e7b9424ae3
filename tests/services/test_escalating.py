"""Rules that do not help go on, one step at a time: to the protocol, to a check, to the person."""

from __future__ import annotations

from datetime import timedelta

from harness.memory.learning import Learning
from harness.memory.lessons.entries import parse
from harness.memory.team.proposals import REJECTED, TAKEN, ProposalKind, Proposals
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


def decide(house: House, folder: str) -> None:
    """What waits is taken or rejected, today."""
    known = Proposals(house.home, Redactor())
    for proposal in known.waiting():
        said = f"{folder.capitalize()} by person:ada, {house.clock.now():%Y-%m-%d}."
        known.move(proposal, folder, said)


async def test_a_rule_that_does_not_help_goes_on_step_by_step(house: House) -> None:
    async with night(house) as at_night:
        learning = await with_a_rule(at_night)
        await fails_again(house, "x")
        first = await at_night.work("reflect")
        repeated = await at_night.work("reflect")
        after_first = kinds(house)
        decide(house, TAKEN)
        await fails_again(house, "y")
        second = await at_night.work("reflect")
        after_second = kinds(house)
        decide(house, TAKEN)
        await fails_again(house, "z")
        third = await at_night.work("reflect")
        await fails_again(house, "u")
        fourth = await at_night.work("reflect")

    assert "## Rules that do not help" in first.result.text
    assert repeated.result.text == ""
    assert after_first == [ProposalKind.PROTOCOL]
    assert "proposed as contract" in second.result.text
    assert after_second == [ProposalKind.CONTRACT]
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
            decide(house, TAKEN)
            await fails_again(house, tag)
            await at_night.work("reflect")

    (contract,) = Proposals(house.home, Redactor()).waiting()
    assert "The pattern to check for: `data.wrong-field`" in contract.wish.evidence


async def test_a_rule_that_a_person_removed_goes_nowhere(house: House) -> None:
    async with night(house) as at_night:
        await with_a_rule(at_night)
        house.home.memory_file("trading").write_text("# Memory\n")
        await fails_again(house, "x")
        ended = await at_night.work("reflect")

    assert "you removed" in ended.result.text
    assert "does not help" not in ended.result.text
    assert kinds(house) == []
    assert at_night.rules() == []


async def test_one_more_time_is_no_escalation(house: House) -> None:
    async with night(house) as at_night:
        await with_a_rule(at_night)
        await fails_again(house, "x", times=1)
        ended = await at_night.work("reflect")

    assert ended.result.text == ""
    assert kinds(house) == []


async def test_nothing_goes_on_while_a_proposal_waits_and_the_person_is_reminded_once(
    house: House,
) -> None:
    async with night(house) as at_night:
        learning = await with_a_rule(at_night)
        await fails_again(house, "x")
        await at_night.work("reflect")
        await fails_again(house, "y")
        early = await at_night.work("reflect")
        await fails_again(house, "z", times=4)
        later = await at_night.work("reflect")
        await fails_again(house, "u", times=8)
        again = await at_night.work("reflect")

    (waiting,) = Proposals(house.home, Redactor()).waiting()
    assert waiting.wish.kind is ProposalKind.PROTOCOL
    assert (early.result.text, again.result.text) == ("", "")
    assert "waits for you since 2026-01-08: harness memory approve" in later.result.text
    assert (
        "Escalated: protocol 2026-01-08, reminded 2026-01-15"
        in (house.home.root / learning.path).read_text()
    )


async def test_what_a_person_rejected_is_followed_by_a_word_to_him_and_no_other_proposal(
    house: House,
) -> None:
    async with night(house) as at_night:
        await with_a_rule(at_night)
        await fails_again(house, "x")
        await at_night.work("reflect")
        decide(house, REJECTED)
        quiet = await at_night.work("reflect")
        await fails_again(house, "y")
        loud = await at_night.work("reflect")

    assert quiet.result.text == ""
    assert "## Needs you\n\n- **P0** trading: " in loud.result.text
    assert kinds(house) == []


async def test_what_was_seen_before_the_word_of_the_person_does_not_count_after_it(
    house: House,
) -> None:
    async with night(house) as at_night:
        await with_a_rule(at_night)
        await fails_again(house, "x")
        await at_night.work("reflect")
        await fails_again(house, "y")
        decide(house, TAKEN)
        ended = await at_night.work("reflect")

    assert ended.result.text == ""
    assert kinds(house) == []
