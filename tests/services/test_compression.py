"""The weekly compression: a memory is brought back to its size, and a person's lines stay."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from harness.memory.rules.fitting import tokens_of
from harness.memory.rules.lines import parse
from harness.memory.rules.longterm import LongTerm
from harness.models.port import ChatRequest
from harness.services.night.compression import says_the_same_shorter
from tests.flows.conftest import clock, house
from tests.flows.house import House
from tests.services.night import FIX, Night, book, night, seen

__all__ = ["clock", "house"]

OWN = "# Memory\n\n- The owner likes short answers.\n- He lives in Berlin.\n"
PARTS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]
LIMIT = 250


async def with_rules(at_night: Night, *parts: str) -> LongTerm:
    """A memory with lines of a person's and a rule for each part, the first seen longest ago."""
    house = at_night.house
    house.home.memory("trading").mkdir(parents=True, exist_ok=True)
    house.home.memory_file("trading").write_text(OWN)
    memory = LongTerm(house.home, "trading", at_night.app.bus.ids, at_night.app.redactor)
    for part in parts:
        text = f"When calling the {part} endpoint for the {part} desk, send the {part} schema."
        learning = seen(
            house, key=f"{part}.failed", summary=f"{part} refused.", fix=text, title=part, tag=part
        )
        memory.promote([learning], text, "agent:zoe", house.clock.now())
        await house.clock.advance(timedelta(days=1).total_seconds())
    return memory


def limited(house: House) -> None:
    house.settings["memory"] = {"limit": LIMIT}
    house.write()


async def test_the_oldest_rules_go_to_the_archive_a_quarter_a_week(house: House) -> None:
    limited(house)
    async with night(house) as at_night:
        await with_rules(at_night, *PARTS)
        sizes = [len(at_night.rules())]
        first = await at_night.work("compress")
        for _ in range(4):
            sizes.append(len(at_night.rules()))
            await house.clock.advance(timedelta(days=7).total_seconds())
            last = await at_night.work("compress")
        lines = parse(at_night.memory())

    assert sizes[:3] == [8, 6, 4]
    assert tokens_of(lines) <= LIMIT
    assert at_night.memory().startswith(OWN)
    assert "## Put away\n\n- trading: When calling the alpha endpoint" in first.result.text
    assert "more goes next week" in first.result.text
    assert last.result.text == ""
    archive = (house.home.memory("trading") / ".archive" / "MEMORY.md").read_text()
    assert "alpha endpoint" in archive
    assert {each.status for each in book(house, "trading").learnings()} == {"promoted"}


async def test_a_compression_is_undone_as_one(house: House) -> None:
    limited(house)
    async with night(house) as at_night:
        memory = await with_rules(at_night, *PARTS)
        before = at_night.memory()
        ended = await at_night.work("compress")
        (change,) = re.findall(r"harness memory undo (\w+)", ended.result.text)
        memory.undo(change, "person:ann", house.clock.now())

    assert at_night.memory() == before


async def test_a_model_shortens_what_it_can_and_adds_nothing(house: House) -> None:
    limited(house)
    invented = "When calling the beta endpoint, call the warehouse."

    def turn(request: ChatRequest) -> str:
        asked = request.messages[0].content
        part = next(each for each in PARTS if f"the {each} endpoint" in asked)
        return invented if part == "beta" else f"When calling {part}, send the {part} schema."

    async with night(house, turn) as at_night:
        await with_rules(at_night, *PARTS)
        await at_night.work("compress")

    texts = at_night.rules()
    assert invented not in texts
    assert "When calling theta, send the theta schema." in texts


@pytest.mark.parametrize(
    "new",
    [
        "When reading amounts, use BUY_AMT.",  # loses a name
        "When reading a table of amounts, use BILLBOARD_BUY_AMT instead of BUY_AMT, always.",
        "When reading amounts, use BUY_AMT instead of BILLBOARD_BUY_AMT.",  # turned round
        "When reading amounts, ask the desk, BILLBOARD_BUY_AMT or BUY_AMT.",  # new claims
    ],
)
def test_fewer_words_that_say_something_else_are_not_taken(new: str) -> None:
    assert not says_the_same_shorter(new, FIX)


def test_fewer_words_that_say_the_same_are_taken() -> None:
    assert says_the_same_shorter("When reading amounts, use BILLBOARD_BUY_AMT, not BUY_AMT.", FIX)


async def test_what_a_person_wrote_is_his_to_shorten(house: House) -> None:
    limited(house)
    house.home.memory("trading").mkdir(parents=True)
    text = "".join(f"- A long line of mine about {part} and much besides.\n" for part in PARTS * 9)
    house.home.memory_file("trading").write_text(text)
    async with night(house) as at_night:
        ended = await at_night.work("compress")

    assert at_night.memory() == text
    assert "what is left was written by hand: shorten it" in ended.result.text


async def test_what_another_program_promoted_makes_room_and_comes_back_by_an_undo(
    house: House,
) -> None:
    limited(house)
    house.home.memory("trading").mkdir(parents=True)
    theirs = "".join(
        f"- The {part} desk opened.\n  Source: memory/{part}.md#L3\n" for part in PARTS
    )
    text = f"{OWN}\n## Promoted From Short-Term Memory (2026-10-01)\n\n{theirs * 4}"
    house.home.memory_file("trading").write_text(text)
    async with night(house) as at_night:
        ended = await at_night.work("compress")
        shorter = at_night.memory()
        memory = LongTerm(house.home, "trading", at_night.app.bus.ids, at_night.app.redactor)
        memory.undo(memory.journal.changes()[0].id, "person:ann", house.clock.now())

    assert shorter.startswith(OWN)
    assert text.count("#L3") - shorter.count("#L3") == text.count("\n- ") // 4
    assert "The alpha desk opened. (another program wrote it)" in ended.result.text
    assert "more goes next week" in ended.result.text
    assert at_night.memory() == text
    archive = (house.home.memory("trading") / ".archive" / "MEMORY.md").read_text()
    assert "Source: memory/alpha.md#L3" in archive


async def test_notes_that_have_expired_are_put_away_and_told(house: House) -> None:
    folder = house.home.memory("trading")
    folder.mkdir(parents=True)
    yesterday = house.clock.now().date() - timedelta(days=1)
    lines = [f"- 0{n}:00Z Looked at {part}.\n" for n, part in enumerate(PARTS[:4])]
    (folder / f"{yesterday}.md").write_text(
        "# Log\n\n"
        + "".join(lines)
        + f"- 09:00Z Only today. <!-- expires: {date(2026, 1, 2)} -->\n"
    )
    async with night(house) as at_night:
        ended = await at_night.work("compress")

    assert "trading: 1 of 5 notes (1 expired)" in ended.result.text


async def test_a_home_without_memory_has_nothing_to_tell(house: House) -> None:
    async with night(house) as at_night:
        ended = await at_night.work("compress")

    assert ended.result.text == ""
