from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.memory.contradiction import contradicts

OPPOSED = [
    ("Use BILLBOARD_BUY_AMT instead of BUY_AMT.", "Use BUY_AMT instead of BILLBOARD_BUY_AMT."),
    ("When calling query, use A_X, not B_X.", "When calling query, use B_X, not A_X."),
    ("Always retry a failed feed.", "Never retry a failed feed."),
    ("When a feed fails, retry it.", "When a feed fails, do not retry it."),
    ("Never use BUY_AMT.", "When querying the table, use BUY_AMT."),
    ("Avoid the sandbox endpoint.", "Use the sandbox endpoint."),
    ("When calling web_fetch, wait 5 seconds.", "When calling web_fetch, wait 30 seconds."),
    ("The timezone of the report is UTC.", "The timezone of the report is CET."),
    ("Set the timeout to 30 seconds.", "Set the timeout to 60 seconds."),
    ("Quote amounts in euro rather than dollar.", "Quote amounts in dollar rather than euro."),
    ("The API is stable.", "The API is not stable."),
    ("Call fetch before parse.", "Call parse before fetch."),
]
AT_PEACE = [
    ("Use BILLBOARD_BUY_AMT instead of BUY_AMT.", "Never use BUY_AMT, use BILLBOARD_BUY_AMT."),
    ("Do not use BUY_AMT; use BILLBOARD_BUY_AMT.", "Use BILLBOARD_BUY_AMT rather than BUY_AMT."),
    ("When querying billboard, use BILLBOARD_BUY_AMT.", "When a query fails, read its error."),
    ("When a feed fails, retry it.", "When a payment fails, do not retry it."),
    ("Always retry a failed feed.", "When a feed failed, always retry it."),
    ("Never retry failed feeds.", "Do not retry a failed feed."),
    ("When calling web_fetch, wait 5 seconds.", "When calling web_search, wait 30 seconds."),
    ("Check the unit of amounts.", "Never round amounts in a report."),
    ("The timezone of the report is UTC.", "The timezone of the log is CET."),
    ("Call fetch before parse.", "When you parse, call fetch before parse."),
    ("", "Never retry."),
]


@pytest.mark.parametrize(("a", "b"), OPPOSED)
def test_opposite_rules_contradict_each_other(a: str, b: str) -> None:
    assert contradicts(a, b)
    assert contradicts(b, a)


@pytest.mark.parametrize(("a", "b"), AT_PEACE)
def test_paraphrases_and_rules_about_other_things_do_not(a: str, b: str) -> None:
    assert not contradicts(a, b)
    assert not contradicts(b, a)


PIECES = (
    "never |always |use |not |instead of |avoid |when |, |. |feed |retry |BUY_AMT |A_X |is |5 |30 "
    "|UTC |before |rather than |do |table |and |the "
)
WORDS = st.sampled_from(PIECES.split("|"))
TEXTS = st.lists(WORDS, max_size=14).map("".join) | st.text(max_size=60)


@given(TEXTS)
def test_nothing_contradicts_itself(text: str) -> None:
    assert not contradicts(text, text)


@given(TEXTS, TEXTS)
def test_it_does_not_matter_who_is_asked_first(a: str, b: str) -> None:
    assert contradicts(a, b) == contradicts(b, a)


@given(TEXTS)
def test_case_blanks_and_code_marks_change_nothing(text: str) -> None:
    spread = "  ".join(text.split())

    assert not contradicts(text, spread.upper() if text.isascii() else spread)
    assert not contradicts(text, f"`{text}`")


def test_a_text_of_nothing_but_one_word_is_read_in_time() -> None:
    assert not contradicts("not " * 20_000, "use " * 20_000)
