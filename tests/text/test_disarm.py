"""Answers after reading a stranger's words: what can be followed in them, and what cannot."""

from __future__ import annotations

import pytest

from harness.permission.taint import Taint
from harness.text.disarm import disarmed

READ = "https://a.test/x https://b.test/y https://en.wiki.test/wiki/Io_(moon)"


def answer(text: str) -> str:
    """The text as it leaves a session that has read READ."""
    taint = Taint()
    taint.read_outside("a.test", READ)
    return disarmed(text, taint.knows)


@pytest.mark.parametrize(
    "text",
    [
        "1. [One](https://a.test/x) and [two](https://b.test/y).",
        "(https://a.test/x), **https://b.test/y**; <https://a.test/x>",
        "[Io](https://en.wiki.test/wiki/Io_(moon)).",
        "Bare: https://en.wiki.test/wiki/Io_(moon), and more",
        "- 4 < 5, a <- b, R&D",
    ],
)
def test_what_was_read_stays_a_link(text: str) -> None:
    assert answer(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://evil.test/?d=1", "hxxps://evil.test/?d=1"),
        ("HTTPS://evil.test/?d=1", "hxxpS://evil.test/?d=1"),
        ("[a](https://a.test/x),[b](https://evil.test/1)", ",[b](hxxps://evil.test/1)"),
        ("https://a.test/x,https://evil.test/1", "hxxps://a.test/x,hxxps://evil.test/1"),
        ("https://a.test/x)?d=1", "https://a.test/x) ?d=1"),
        ("|https://a.test/x|https://evil.test/1|", "|hxxps://evil.test/1|"),
        ("![p](https://a.test/x)", "[p](https://a.test/x)"),
        ("<img src=https://evil.test/1>", "&lt;img src=hxxps://evil.test/1>"),
    ],
)
def test_what_was_made_up_is_shown_and_leads_nowhere(text: str, shown: str) -> None:
    assert shown.replace(" ", "") in answer(text).replace(" ", "")
    assert "http" not in answer(text).replace("https://a.test/x", "")


def test_a_chain_of_addresses_is_no_trouble() -> None:
    chain = "https://a.test/x)" * 5_000

    assert answer(chain) == "https://a.test/x) " * 4_999 + "https://a.test/x)"


def test_what_follows_a_known_address_is_set_apart_from_it() -> None:
    assert answer("https://a.test/x)?d=1") == "https://a.test/x) ?d=1"
