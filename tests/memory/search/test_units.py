"""What a unit is, in every kind of file."""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.memory.search.places import Place, place_of
from harness.memory.search.units import LONGEST, Unit, id_of, units_of

LOG = Place("memory/scout/2026-11-16.md", "scout", "note")
MAIN = Place("memory/scout/MEMORY.md", "scout", "memory")
LESSONS = Place("memory/scout/.learnings/ERRORS.md", "scout", "learning")
SKILL = Place("skills/digest/SKILL.md", None, "skill")
PAGE = Place("shared-context/view.md", None, "shared")


def units(place: Place, text: str) -> list[Unit]:
    return list(units_of(place, text))


def told(place: Place, text: str) -> list[tuple[int, str]]:
    return [(unit.line, unit.text) for unit in units(place, text)]


def test_each_line_of_a_daily_log_is_a_unit_of_its_day() -> None:
    text = "# 2026-11-16\n\n- 09:00Z read the feed\n- 10:00Z wrote the digest\n"

    first, second = units(LOG, text)

    assert (first.line, first.text, first.date) == (3, "09:00Z read the feed", date(2026, 11, 16))
    assert (second.line, second.heading, second.agent) == (4, "2026-11-16", "scout")


def test_a_list_item_goes_on_over_lines_and_a_nested_one_stands_for_itself() -> None:
    text = "- one\n  more of one\n  - two\n\n1. three\n* [x] four\n"

    assert told(PAGE, text) == [(1, "one more of one"), (3, "two"), (5, "three"), (6, "four")]


def test_paragraphs_and_rows_of_tables_are_units() -> None:
    text = "# Page\nOne\nparagraph.\n\n| name | port |\n|---|---|\n| bus | 7000 |\n\n---\n\nTwo.\n"

    assert told(PAGE, text) == [
        (2, "One paragraph."),
        (5, "| name | port |"),
        (7, "| bus | 7000 |"),
        (11, "Two."),
    ]


def test_comments_and_fences_say_nothing() -> None:
    text = "a <!-- b --> c\n\n<!-- d\ne -->\n```\nf\n```\n~~~\ng\n"

    assert told(PAGE, text) == [(1, "a c")]


def test_front_matter_is_no_unit() -> None:
    assert told(PAGE, "---\ntitle: x\n---\nbody\n") == [(4, "body")]


def test_a_comment_tells_when_a_line_ends_to_hold() -> None:
    (unit,) = units(MAIN, "- Use port 7000. <!-- expires: 2026-12-01 -->\n")

    assert unit.text == "Use port 7000."
    assert unit.expires == date(2026, 12, 1)
    assert unit.date is None


def test_a_promoted_line_has_the_day_of_its_promotion() -> None:
    mark = "<!-- learned 2026-11-18: ERR-20261116-001; seen 3 times in 3 tasks; rule 01K -->"

    (unit,) = units(MAIN, f"## Learned\n- When X, do Y. {mark}\n")

    assert (unit.text, unit.date, unit.heading) == ("When X, do Y.", date(2026, 11, 18), "Learned")


def test_a_heading_with_a_day_dates_what_stands_below() -> None:
    (unit,) = units(MAIN, "## Promoted From Short-Term Memory (2026-04-05)\n- A fact.\n")

    assert unit.date == date(2026, 4, 5)


def test_an_entry_is_one_unit_without_its_fields() -> None:
    text = """# Errors

## [ERR-20261116-001] fetch

**Logged**: 2026-11-16T09:00:00Z
**Status**: pending

### Summary
The field is named BUY_AMT.

### Error
```
KeyError: amount
```

### Metadata
- Last-Seen: 2026-11-17
- Trust: quarantine, after reading example.org

---

## [ERR-20261117-001] run

### Summary
Another one.
"""

    first, second = units(LESSONS, text)

    assert first.text == "[ERR-20261116-001] fetch The field is named BUY_AMT."
    assert (first.line, first.date, first.outside) == (3, date(2026, 11, 17), ("example.org",))
    assert (second.line, second.outside) == (22, ())


def test_an_entry_says_what_it_says_but_for_its_bullets() -> None:
    text = """## [LRN-20261116-001] insight
**Logged:** 2026-11-16
**Status:** Promoted
### Summary
- The gate takes 3 - 4 days.
"""

    (unit,) = units(LESSONS, text)

    assert unit.text == "[LRN-20261116-001] insight The gate takes 3 - 4 days."
    assert unit.date == date(2026, 11, 16)


def test_an_entry_that_holds_no_more_says_so_first() -> None:
    text = """## [LRN-20261116-001] insight

**Status**: pending

### Summary
Prices need no date.

### Metadata
- Contradicted-By: LRN-20261117-002

---

## [LRN-20261116-002] insight
**Status:** superseded

### Summary
The table is called SALES.

---

## [LRN-20261116-003] insight
**Status**: wont_fix

### Summary
Contradicted-By: is a field of its own.
"""

    assert [unit.text.partition("] ")[0] for unit in units(LESSONS, text)] == [
        "superseded by LRN-20261117-002: [LRN-20261116-001",
        "superseded: [LRN-20261116-002",
        "[LRN-20261116-003",
    ]


def test_a_section_of_a_skill_is_one_unit_with_its_code() -> None:
    text = "---\nname: digest\n---\n# Digest\nRead.\n\n```sh\nls\n```\n\n## Then\n- a\n- b\n"

    assert told(SKILL, text) == [(4, "Read.\n```sh\nls\n```"), (11, "- a\n- b")]


def test_strangers_are_named_by_the_mark_of_a_line_and_of_the_first() -> None:
    text = "# Log <!-- from outside: a.example -->\n- x <!-- from outside: b.example -->\n- y\n"

    assert [unit.outside for unit in units(LOG, text)] == [
        ("a.example", "b.example"),
        ("a.example",),
    ]


def test_a_long_line_is_cut_between_words() -> None:
    parts = units(PAGE, "word " * 2_000)

    assert len(parts) > 4
    assert all(len(part.text) <= LONGEST and part.line == 1 for part in parts)
    assert " ".join(part.text for part in parts).split() == ["word"] * 2_000


def test_an_id_stays_when_the_line_moves() -> None:
    (before,) = units(PAGE, "said\n")
    (after,) = units(PAGE, "\n\nsaid\n")

    assert id_of(before) == id_of(after)


@settings(deadline=None)
@given(st.text())
def test_any_text_has_units_that_stand_on_its_lines(text: str) -> None:
    for place in (LOG, LESSONS, SKILL):
        for unit in units(place, text):
            assert 1 <= unit.line <= len(text) + 1
            assert 0 < len(unit.text) <= LONGEST


def test_what_begins_with_a_dot_or_lies_deeper_is_not_searched() -> None:
    refused = (
        "memory/scout/.archive/2026.md",
        "memory/scout/.draft.md",
        "memory/.proposed/rule.md",
        "memory/scout/old/note.md",
        "memory/scout/.learnings/CHANGES.jsonl",
        "skills/.proposed/digest/SKILL.md",
        "skills/digest/notes.md",
        "archive/2026.md",
        "README.md",
    )

    assert [path for path in refused if place_of(path)] == []


def test_files_belong_to_an_agent_or_to_everybody() -> None:
    assert place_of("memory/scout/MEMORY.md") == MAIN
    assert place_of("memory/scout/.learnings/ERRORS.md") == LESSONS
    assert place_of("shared-context/view.md") == PAGE
    own = "agents/scout/skills/digest/SKILL.md"
    assert place_of(own) == Place(own, "scout", "skill")
