"""Updates: the newer of two notes about the same comes first, and the older one names it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.memory.search.units import Hit, Unit
from harness.memory.search.updates import told

TODAY = date(2026, 3, 1)
OLD, NEW = date(2026, 1, 5), date(2026, 2, 5)


def hit(text: str, day: date | None = OLD, **changes: object) -> Hit:
    path = f"memory/scout/{day or 'MEMORY'}.md"
    unit = Unit(path, 3, text, "scout", "note" if day else "memory", day, "", (), None)
    unit = replace(unit, **changes)  # type: ignore[arg-type]
    return Hit(unit, f"{unit.path}:{unit.line}:{text}", 1.0)


def pair(old: str, new: str) -> list[Hit]:
    """The older one ranks first, as a search may have it."""
    return [hit(old), hit(new, NEW)]


def marks(hits: Sequence[Hit]) -> dict[str, str]:
    return {found.unit.text: found.superseded_by for found in hits if found.superseded_by}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("The staging server listens on port 8080.", "The staging server listens on port 9090."),
        ("09:15Z Ada lives in Lisbon.", "10:00Z Ada moved to Oslo."),
        ("Ada's phone number is 0170 123456.", "Ada's new phone number: 0171 654321"),
        ("Ada prefers tea.", "Ada prefers coffee."),
        ("Ada eats meat.", "Ada no longer eats meat."),
        ("wiki runs on Nginx.", "We switched wiki from Nginx to Caddy."),
        ("The review is on Tuesday at 10:00.", "The review is on Thursday at 10:00."),
        ("The plan costs 20 euros a month.", "The plan went up to 25 euros a month."),
        ("billing is on version 2.1.", "billing was upgraded to version 2.2."),
        ("Disk limit of mail: 20 GB", "Disk limit of mail: 40 GB"),
        ("Ada uses Vim.", "Ada uses Emacs instead of Vim."),
        ("Ada is vegetarian.", "Ada is not vegetarian any more."),
    ],
)
def test_the_newer_of_two_values_comes_first_and_the_older_names_it(old: str, new: str) -> None:
    found = told(pair(old, new), TODAY)

    assert [each.unit.text for each in found] == [new, old]
    assert marks(found) == {old: f"memory/scout/{NEW}.md:3"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Call with Ada on Monday.", "Call with Bruno on Friday."),
        ("Ada lives in Lisbon.", "Bruno lives in Oslo."),
        ("The staging server listens on port 80.", "The production server listens on port 90."),
        ("Ada likes tea.", "Ada likes coffee."),
        ("Ada met Bruno in Oslo.", "Ada met Chiara in Graz."),
        ("Ada is a teacher.", "Ada is in Lisbon."),
        ("The job starts at 09:00.", "The job ends at 10:00."),
        ("The review is on Tuesday.", "The review is in room 12."),
        ("The job starts at 09:00.", "Today the job starts at 10:00, for once."),
        ("The job starts at 09:00.", "Maybe the job starts at 10:00."),
        ("The job starts at 09:00.", "Does the job start at 10:00?"),
        ("Ada has 3 cats.", "Ada has 4 dogs."),
        ("The server listens on port 80.", "The server listens on port 80, as before."),
    ],
)
def test_what_only_looks_like_an_update_is_none(old: str, new: str) -> None:
    hits = pair(old, new)

    assert told(hits, TODAY) == hits


def test_a_newer_note_far_down_comes_up_with_the_score_of_the_older() -> None:
    others = [replace(hit(f"Nothing of that sort, {n}.", NEW, line=n), score=0.5) for n in range(9)]
    low = replace(hit("The port of wiki is 90.", NEW, line=40), score=0.1)

    found = told([hit("The port of wiki is 80."), *others, low], TODAY)

    assert [each.unit.text for each in found[:2]] == [
        "The port of wiki is 90.",
        "The port of wiki is 80.",
    ]
    assert (found[0].score, len(found)) == (1.0, 11)


def test_the_newest_decides_and_what_agrees_with_it_stands() -> None:
    first = hit("The port of wiki is 80.")
    between = hit("The port of wiki is 90.", OLD + timedelta(1))
    last = hit("The port of wiki is 80 again.", NEW)

    found = told([first, between, last], TODAY)

    assert marks(found) == {"The port of wiki is 90.": f"memory/scout/{NEW}.md:3"}


def test_further_down_in_the_log_of_one_day_is_newer() -> None:
    one, two = hit("The port of wiki is 80."), hit("The port of wiki is 90.", line=7)

    assert marks(told([one, two], TODAY)) == {one.unit.text: f"memory/scout/{OLD}.md:7"}


def test_a_note_without_a_day_yields_only_to_one_that_tells_of_a_change() -> None:
    rule = hit("The port of wiki is 80.", None)

    assert marks(told([rule, hit("The port of wiki is 90.", NEW)], TODAY)) == {}
    assert marks(told([rule, hit("The port of wiki is now 90.", NEW)], TODAY)) != {}


def test_a_strangers_words_supersede_nothing_of_the_house() -> None:
    old = hit("The port of wiki is 80.")
    heard = hit("The port of wiki is now 6666.", NEW, outside=("b.test",))

    assert told([old, heard], TODAY) == [old, heard]


def test_one_agents_memory_is_no_update_of_anothers() -> None:
    old = hit("The port of wiki is 80.")
    of_other = hit("The port of wiki is now 90.", NEW, agent="zoe")
    of_all = hit("The port of wiki is now 90.", NEW, agent=None)

    assert marks(told([old, of_other], TODAY)) == {}
    assert marks(told([old, of_all], TODAY)) != {}


def test_what_holds_no_more_stands_last() -> None:
    over = hit("The sale is on.", expires=TODAY - timedelta(1))
    lasts = hit("The fair is on.", expires=TODAY)

    assert told([over, lasts], TODAY) == [lasts, over]


SAID = "Ada wiki port is now not 80 90 from to moved on Monday 10:00 : . no longer instead of"
WORDS = st.sampled_from(SAID.split())
TEXTS = st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=40)
DAYS = st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 3))


@given(st.lists(st.tuples(TEXTS, DAYS), max_size=30))
def test_no_hit_is_lost_or_made_and_a_mark_leads_to_a_hit(
    notes: list[tuple[str, date | None]],
) -> None:
    hits = [hit(text, day, line=line) for line, (text, day) in enumerate(notes)]

    found = told(hits, TODAY)

    assert sorted(each.id for each in found) == sorted(each.id for each in hits)
    places = {f"{each.unit.path}:{each.unit.line}" for each in hits}
    assert set(marks(found).values()) <= places
