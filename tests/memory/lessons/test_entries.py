"""Entry files: read as they are, and edited without a change to any other byte."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.memory.learning import Kind, Observation, Source
from harness.memory.lessons.counting import likeness, shares_words
from harness.memory.lessons.entries import Entry, parse
from harness.memory.lessons.lines import lines_of
from harness.memory.lessons.reading import forget, learnings_in
from harness.memory.lessons.writing import appended
from tests.memory.strategies import FILE, NOW, texts

SEEN = Observation(Kind.ERROR, "run", "It broke", Source.TOOL, "01A", NOW, error="Boom")
FIELDS = ["Status", "Recurrence-Count", "Tasks", "Mood", "Contradicted-By"]


def ids_of(text: str) -> list[str]:
    return [entry.id for entry in parse(text).entries]


def only(text: str) -> Entry:
    (entry,) = parse(text).entries
    return entry


@settings(deadline=None)
@given(text=texts)
@example("\r\n\r")
@example("\ufeff## [LRN-1] x\r\n\udcff")
def test_a_file_put_together_again_is_what_it_was(text: str) -> None:
    assert parse(text).render() == text


@settings(deadline=None)
@given(text=texts)
def test_the_lines_of_a_text_are_all_of_it(text: str) -> None:
    lines = lines_of(text)

    assert "".join(text[line.start : line.end] for line in lines) == text.removeprefix("\ufeff")
    assert all(text[line.start : line.stop] == line.text for line in lines)


@settings(deadline=None)
@given(text=texts, name=st.sampled_from(FIELDS), value=st.sampled_from(["x", "5", "a, b: c"]))
def test_an_edit_touches_the_value_of_its_field_alone(text: str, name: str, value: str) -> None:
    for entry in parse(text).entries:
        old = entry.field(name)
        changed = entry.with_field(name, value)

        assert changed.field(name) == value
        assert changed.with_field(name, value) == changed
        if old:
            assert any(
                entry.text == changed.text[:at] + old + changed.text[at + len(value) :]
                for at in places_of(value, changed.text)
            )
        else:
            assert added(entry.text, changed.text)


def places_of(words: str, text: str) -> list[int]:
    return [at for at in range(len(text)) if text.startswith(words, at)]


def added(before: str, after: str) -> bool:
    """Whether something was put in at one place, and nothing taken away."""
    head = next((n for n in range(len(before)) if before[n] != after[n]), len(before))
    return any(
        before[:at] == after[:at] and after.endswith(before[at:]) for at in range(head, -1, -1)
    )


@settings(deadline=None)
@given(text=texts, name=st.sampled_from(FIELDS))
def test_an_edit_leaves_every_other_field_and_entry_as_it_was(text: str, name: str) -> None:
    file = parse(text)
    others = [other for other in FIELDS if other != name]

    after = parse(file.changed(lambda entry: entry.with_field(name, "new")).render())

    assert [entry.id for entry in after.entries] == [entry.id for entry in file.entries]
    assert after.preamble == file.preamble
    for old, new in zip(file.entries, after.entries, strict=True):
        assert new.field(name) == "new"
        assert [new.field(other) for other in others] == [old.field(other) for other in others]


def test_fields_stand_in_bold_lines_and_in_bullets_of_either_kind() -> None:
    first = parse(FILE).entries[0]

    assert [first.field(name) for name in ("Status", "Area", "Task", "recurrence_count")] == [
        *("pending", "config", "01A", "2")
    ]
    assert first.title == "correction"
    assert first.line == 5


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_missing_field_is_a_line_of_the_metadata(newline: str) -> None:
    before = FILE.replace("\n", newline)
    file = parse(before)

    after = file.changed(lambda entry: entry.with_field("Mood", "blue")).render()

    assert newline.join(["- Mood: blue", "", "---", ""]) in after
    assert (
        newline.join(["**Status**: done", "", "### Metadata", "- Mood: blue", "", "---"]) in after
    )
    assert after.replace(newline, "").count("\n") == 0


def test_a_file_without_a_last_newline_keeps_having_none() -> None:
    entry = only("## [LRN-1] x\n\n### Metadata\n- Source: error")

    assert entry.with_field("Tasks", "01A").text.endswith("- Source: error\n- Tasks: 01A")


def test_what_stands_in_code_begins_and_ends_nothing() -> None:
    code = "~~~~\n---\n## [LRN-2] y\n```\n### Metadata\n- Tasks: 9\n~~~\n~~~~"
    entry = only(f"## [LRN-1] x\n\n### Details\n{code}\n\n### Metadata\n- Tasks: 1\n\n---\n")

    assert entry.section("Details") == code
    assert entry.field("Tasks") == "1"


def test_a_fence_that_nothing_closes_swallows_no_entry() -> None:
    assert ids_of("## [LRN-1] x\n```\n\n---\n\n## [LRN-2] y\n") == ["LRN-1", "LRN-2"]


def test_a_lesson_after_a_fence_that_nothing_closes_is_one() -> None:
    before = "## [LRN-1] x\n~~~~\nwords"

    after = appended(before, "LRN-2", SEEN)

    assert after.startswith(f"{before}\n~~~~\n")
    assert ids_of(after) == ["LRN-1", "LRN-2"]


@pytest.mark.parametrize(
    ("heading", "is_one"),
    [
        ("## [LRN-20261116-001] x", True),
        ("## [ERR-20261116-A3F]", True),
        ("   ## [FEAT-7] x", True),
        ("    ## [FEAT-7] x", False),
        ("### [LRN-1] x", False),
        ("## [Unreleased]", False),
        ("## [LRN-1](https://example.org)", False),
    ],
)
def test_an_entry_begins_at_a_heading_with_its_id(heading: str, is_one: bool) -> None:
    assert (len(ids_of(f"{heading}\n")) == 1) is is_one


def test_notes_after_an_entry_are_none_of_its_fields() -> None:
    entry = only("## [LRN-1] x\n\n### Metadata\n- Tasks: 1\n\n---\n\n- Mood: mine\n")

    assert entry.field("Mood") == ""
    assert entry.with_field("Mood", "x").text.endswith("- Mood: x\n\n---\n\n- Mood: mine\n")


def test_a_section_is_filled_in_before_the_metadata() -> None:
    entry = only("## [LRN-1] x\r\n\r\n### Metadata\r\n- Tasks: 1\r\n\r\n---\r\n")

    filled = entry.with_section("Suggested Action", "When A,\ndo B")

    assert filled.text == (
        "## [LRN-1] x\r\n\r\n### Suggested Action\r\nWhen A,\r\ndo B\r\n\r\n"
        "### Metadata\r\n- Tasks: 1\r\n\r\n---\r\n"
    )
    assert filled.with_section("Suggested Action", "C").section("Suggested Action") == "C"


def test_a_field_is_taken_out_with_its_line() -> None:
    text = "## [LRN-1] x\n\n### Metadata\n- Tasks: 1\n- Promoted: 2026-11-18 (rule 1)\n\n---\n"

    assert only(text).without_field("Promoted").text == text.replace(
        "- Promoted: 2026-11-18 (rule 1)\n", ""
    )
    assert only(text).without_field("Mood").text == text


@settings(deadline=None)
@given(said=texts, seen=texts, similar=st.sampled_from([0.0, 1 / 3, 0.6, 2 / 3, 1.0]))
@example("the ﬁeld ```x", "FIELD x", 0.6)
@example("```x", "", 1.0)
def test_no_entry_that_says_the_same_is_passed_by(said: str, seen: str, similar: float) -> None:
    entry = parse(f"## [ERR-20261116-001] run\n\n### Summary\n{said}\n").entries[:1]
    observation = replace(SEEN, summary=seen)

    assert all(
        shares_words(seen, similar)(each.text)
        for each in entry
        if likeness(each, observation) >= similar
    )


@settings(deadline=None)
@given(first=texts, then=texts)
def test_what_was_read_before_is_never_told_of_another_file(first: str, then: str) -> None:
    list(learnings_in(parse(first), "scout", "E.md"))
    told = list(learnings_in(parse(then), "scout", "E.md"))

    forget()
    assert told == list(learnings_in(parse(then), "scout", "E.md"))
