from __future__ import annotations

import time
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.memory.rules.lines import Rule, bare, parse, render, rule_of

ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
RULE = Rule(
    id=ID,
    text="When calling query, use BILLBOARD_BUY_AMT.",
    entries=("ERR-20261116-001", "LRN-20261117-A1B"),
    count=3,
    tasks=1,
    first=date(2026, 11, 16),
    last=date(2026, 11, 18),
    promoted=date(2026, 11, 18),
)
LINE = (
    "- When calling query, use BILLBOARD_BUY_AMT. <!-- learned 2026-11-18: ERR-20261116-001,"
    f" LRN-20261117-A1B; seen 3 times in 1 task, 2026-11-16 to 2026-11-18; rule {ID} -->"
)


def test_a_rule_is_written_with_what_it_rests_on() -> None:
    assert RULE.line() == LINE


def test_a_rule_is_read_as_it_was_written() -> None:
    assert rule_of(LINE) == RULE


def test_a_rule_may_expire() -> None:
    [line] = parse(f"{LINE} <!-- expires: 2026-12-01 -->\n")

    assert line.expires == date(2026, 12, 1)
    assert line.rule == replace(RULE, more=" <!-- expires: 2026-12-01 -->")


@pytest.mark.parametrize(
    "line",
    [
        "- A plain line",
        LINE.replace("- When", "When"),
        LINE.replace("ERR-20261116-001, ", "").replace("LRN-20261117-A1B", ""),
        LINE.replace("2026-11-18:", "2026-13-40:"),
        LINE.replace(ID, "my-own-rule"),
        LINE.replace("3 times", "many times"),
        LINE + " and more",
    ],
)
def test_what_has_no_whole_provenance_is_hand_written(line: str) -> None:
    [read] = parse(line)

    assert read.rule is None
    assert read.hand_written


def test_a_rule_in_a_block_of_code_is_an_example() -> None:
    lines = parse(f"```\n{LINE}\n```\n{LINE}\n")

    assert [line.rule is not None for line in lines] == [False, False, False, True]


def test_sections_of_openclaw_are_machine_made_and_what_a_person_wrote_in_them_is_not() -> None:
    text = (
        "# Memory\n- mine\n## Promoted From Short-Term Memory (2026-10-01)\n"
        "- theirs <!-- importance: 7 -->\n  Source: memory/2026-09-30.md#L3-L9\nmine again\n"
        "### Older\n- theirs too\n## Mine\n- mine <!-- why not -->\n- x <!-- trigger: a, b -->\n"
    )

    told = [(line.text.strip(), line.hand_written) for line in parse(text)]

    assert [said for said, by_hand in told if not by_hand] == [
        "## Promoted From Short-Term Memory (2026-10-01)",
        "- theirs <!-- importance: 7 -->",
        "Source: memory/2026-09-30.md#L3-L9",
        "### Older",
        "- theirs too",
        "- x <!-- trigger: a, b -->",
    ]


def test_any_line_may_expire() -> None:
    lines = parse("- a <!-- expires: 2026-12-01 -->\n- b <!-- expires: soon -->\n")

    assert [line.expires for line in lines] == [date(2026, 12, 1), None]


def test_a_line_is_told_without_bullet_and_comments() -> None:
    assert bare(LINE) == RULE.text


def test_a_line_with_many_comments_is_soon_known_for_no_rule() -> None:
    begun = time.process_time()

    assert rule_of(f"{LINE} {'<!-- --> ' * 500}x") is None
    assert time.process_time() - begun < 1


PIECES = st.sampled_from(
    [LINE, "## Learned", "- by hand", "```", "~~~", "\r\n", "\n", "\r", "é", "\udcff", "  ", "#"]
)


@given(st.lists(PIECES | st.text(max_size=5)).map("".join))
def test_to_parse_and_render_changes_no_byte(text: str) -> None:
    assert render(parse(text)) == text


IDS = st.from_regex(r"(ERR|LRN|FEAT)-[0-9]{8}-[0-9A-Z]{3}", fullmatch=True)
DAYS = st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 1, 1))
SAID = st.from_regex(r"When [a-zA-Z ]{1,20}, use [A-Z_a-z]{1,20}\.", fullmatch=True)


@given(
    st.builds(
        Rule,
        id=st.from_regex(r"[0-9A-HJKMNP-TV-Z]{26}", fullmatch=True),
        text=SAID,
        entries=st.lists(IDS, min_size=1, max_size=5).map(tuple),
        count=st.integers(0, 10**6),
        tasks=st.integers(0, 10**6),
        first=DAYS,
        last=DAYS,
        promoted=DAYS,
        more=st.just(""),
    )
)
def test_every_rule_is_read_back(rule: Rule) -> None:
    assert rule_of(rule.line()) == rule
