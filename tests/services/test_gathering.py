"""Gathering: what several agents learned is proposed to the team, once, without their notes."""

from __future__ import annotations

from harness.bus.port import Outcome
from harness.memory.team.proposals import REJECTED, ProposalKind, Proposals
from harness.text.secrets import Redactor
from tests.flows.conftest import clock, house
from tests.flows.house import House
from tests.services.night import FIX, night, seen

__all__ = ["clock", "house"]


def proposals(house: House) -> Proposals:
    return Proposals(house.home, Redactor())


async def test_what_two_agents_learned_is_proposed_without_their_notes(house: House) -> None:
    ours = seen(house, times=2, details="Private: the owner sells his flat.")
    theirs = seen(house, "ainews", times=2, tag="b")
    async with night(house) as at_night:
        ended = await at_night.work("gather")
        (deed,) = await at_night.deeds("memory.proposed")

    (proposal,) = proposals(house).waiting()
    assert proposal.wish.kind is ProposalKind.PROTOCOL
    assert proposal.wish.text == FIX
    assert proposal.wish.entries == (f"ainews/{theirs.id}", f"trading/{ours.id}")
    assert "flat" not in proposal.path.read_text()
    assert f"trading: {ours.id}, seen 2 times in 2 tasks" in proposal.wish.evidence
    assert f"protocol: {FIX} (learned by ainews and trading;" in ended.result.text
    assert deed["entries"] == list(proposal.wish.entries)


async def test_the_same_is_not_proposed_again_after_it_was_rejected(house: House) -> None:
    seen(house, times=2)
    seen(house, "ainews", times=2, tag="b")
    async with night(house) as at_night:
        await at_night.work("gather")
        again = await at_night.work("gather")
        known = proposals(house)
        known.move(known.waiting()[0], REJECTED, "Rejected.")
        seen(house, "zoe", times=2, tag="c")
        third = await at_night.work("gather")

    assert (again.result.text, third.result.text) == ("", "")
    assert proposals(house).waiting() == []


async def test_what_the_protocol_says_by_now_is_not_proposed(house: House) -> None:
    house.home.protocol_file.write_text(f"# Protocol\n\n- {FIX}\n")
    seen(house, times=2)
    seen(house, "ainews", times=2, tag="b")
    async with night(house) as at_night:
        ended = await at_night.work("gather")

    assert ended.result.text == ""
    assert proposals(house).waiting() == []


async def test_what_strangers_said_to_two_agents_is_nobodys_lesson(house: House) -> None:
    seen(house, times=2, outside=("evil.test",))
    seen(house, "ainews", times=2, tag="b", outside=("evil.test",))
    async with night(house) as at_night:
        ended = await at_night.work("gather")

    assert (ended.outcome, ended.result.text) == (Outcome.DONE, "")
    assert proposals(house).waiting() == []


async def test_one_agent_alone_proposes_nothing_to_the_team(house: House) -> None:
    seen(house, times=5)
    async with night(house) as at_night:
        await at_night.work("gather")

    assert proposals(house).waiting() == []


async def test_three_agents_are_told_as_one_tells_them(house: House) -> None:
    for agent in ("trading", "ainews", "zoe"):
        seen(house, agent, times=2, tag=agent)
    async with night(house) as at_night:
        ended = await at_night.work("gather")

    assert "learned by ainews, trading and zoe;" in ended.result.text
