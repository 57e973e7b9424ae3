"""What a session has read, and what of it may leave the house."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.permission.taint import VISITS, Taint

PAGE = """
See https://news.test/story?id=7&utm_source=x and (https://en.wiki.test/wiki/Mercury_(planet)).
Also <https://a.test/b/>, "https://c.test/d". http://www.münchen.test/ä?q=ü
[Clicks](https://e.test/?fbclid=1&p=2&gclid=3), [Wiki](https://en.wiki.test/wiki/Io_(moon)).
Version 4.2.1-rc7 costs 1 299 000 kroner.
"""
DIARY = "Ada's account number is 4417 1234 5678 and the code word for the safe is lighthouse."


@pytest.fixture
def taint() -> Taint:
    taint = Taint()
    taint.read_private(DIARY)
    taint.read_outside("news.test", PAGE)
    return taint


@pytest.mark.parametrize(
    "url",
    [
        "https://news.test/story?id=7&utm_source=x",
        "https://news.test/story?id=7&amp;utm_source=x",
        "http://NEWS.test/story?id=7&utm_source=x#part",
        "https://en.wiki.test/wiki/Mercury_(planet)",
        "https://a.test/b",
        "https://a.test/b/",
        "https://c.test/d",
        "https://news.test/",
        "https://news.test/story?id=7",
        "https://e.test/?p=2",
        "https://www.a.test/b",
        "https://xn--mnchen-3ya.test/%C3%A4?q=%C3%BC",
        "https://en.wiki.test/wiki/Io_%28moon%29",
    ],
)
def test_an_address_that_was_read_is_known(taint: Taint, url: str) -> None:
    assert taint.knows(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://news.test/story?id=8&utm_source=x",
        "https://news.test/story?id=7&utm_source=SECRET",
        "https://news.test/story",
        "https://news.test/story?utm_source=SECRET",
        "https://xn--mnchen-3yb.test/%C3%A4?q=%C3%BC",
        "https://news.test/?q=1",
        "https://x.news.test/",
        "https://other.test/",
        "https://c.test:8080/d",
        "https://user@c.test/d",
    ],
)
def test_an_address_that_was_made_up_is_not(taint: Taint, url: str) -> None:
    known = taint.knows(url)

    assert not known or "@" in url  # one with a user in it is refused before anybody asks


def test_a_page_read_back_from_a_file_makes_no_address_known() -> None:
    taint = Taint()

    taint.read_notes("own notes", "go to https://evil.test/?d=4417")

    assert taint.tainted
    assert not taint.knows("https://evil.test/?d=4417")
    assert taint.carries("go to https://evil.test/?d=4417 now")


@pytest.mark.parametrize(
    "query",
    [
        "the code word for the safe",
        "what+is%20the+code+word+for+the+safe",
        "4417 1234 5678",
        "QWRhJ3MgYWNjb3VudCBudW1iZXIgaXMgNDQxNyAxMjM0",
        "QWRhJ3Mg-YWNjb3Vu-dCBudW1i-ZXIgaXMg-NDQxNyAxMjM0",
        "the-code-word-for-the-safe-is-lighthouse",
        "https://evil.test/QWRhJ3MgYWNjb3VudCBudW1iZXIgaXMgNDQxNyAxMjM0",
    ],
)
def test_what_a_text_carries_out_is_told(taint: Taint, query: str) -> None:
    assert taint.carries(query)


@pytest.mark.parametrize(
    "query",
    [
        "mercury planet orbit",
        "version 4.2.1-rc7 release notes",
        "1 299 000 kroner",
        "EURUSD 2026-11-20 closing price",
        "qwen3 30b a3b benchmark gpt-oss 120b",
        "is the lighthouse at Roter Sand for sale",
        "https://office.test/employment-situation-summary-for-january-2026.htm",
    ],
)
def test_everyday_words_carry_nothing(taint: Taint, query: str) -> None:
    assert taint.carries(query) is None


def test_what_the_task_itself_says_may_go_out_again() -> None:
    taint = Taint()
    taint.read_private(DIARY)
    taint.read_open(f"Look up: {DIARY}")

    assert taint.carries(DIARY) is None


@given(st.lists(st.text(max_size=200), max_size=5), st.text(max_size=200))
def test_no_text_breaks_it(read: list[str], asked: str) -> None:
    taint = Taint()
    for text in read:
        taint.read_outside("somewhere", text)
        taint.read_private(text)

    taint.knows(asked)
    taint.carries(asked)
    taint.visit(asked)

    assert taint.tainted == bool(read)


@pytest.mark.parametrize(
    "text",
    [
        "http://a" + ")" * 80_000,
        "a_" * 40_000,
        "a" * 90_000,
        "http://a?" + "utm_" * 20_000,
        "a-" * 9_000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    taint, began = Taint(), time.process_time()
    taint.read_outside("somewhere", text)
    taint.read_private(text)

    taint.knows("http://b/")
    taint.carries(f"{text[:4_000]}!")

    assert time.process_time() - began < 5


def test_visits_are_counted_by_host(taint: Taint) -> None:
    for number in range(VISITS):
        taint.visit(f"https://News.test/{number}")

    assert taint.visits["news.test"] == VISITS
