"""Plain functions on text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.text.markup import escape_markdown, html_to_text
from harness.text.sentences import fitting, lead, sentences
from harness.text.urls import canonical_url, find_urls, link_target
from harness.text.words import clip, similarity, terms, words


def test_words_keep_versions_and_names_whole() -> None:
    assert words("GPT-4.1 beats O’Reilly, says 東京") == [
        "gpt-4.1",
        "beats",
        "o’reilly",
        "says",
        "東",
        "京",
    ]


@given(st.text(), st.text())
def test_similarity_is_symmetric_and_within_bounds(left: str, right: str) -> None:
    one, other = terms(left), terms(right)

    assert similarity(one, other) == similarity(other, one)
    assert 0.0 <= similarity(one, other) <= 1.0


def test_texts_with_the_same_words_are_wholly_alike() -> None:
    assert similarity(terms("Apple buys the orchard"), terms("the orchard: Apple BUYS")) == 1.0


@given(st.text(), st.integers(min_value=0, max_value=50))
def test_clipped_text_fits(text: str, limit: int) -> None:
    assert len(clip(text, limit)) <= limit


def test_abbreviations_and_initials_do_not_end_a_sentence() -> None:
    found = sentences("Dr. Smith of the U.S. Army left. He said “no.” Then it rained. 你好。再见。")

    assert found == [
        "Dr. Smith of the U.S. Army left.",
        "He said “no.”",
        "Then it rained.",
        "你好。",
        "再见。",
    ]


@given(st.text())
def test_sentences_lose_nothing_but_white_space(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


def test_the_lead_is_the_first_sentences() -> None:
    assert lead("One. Two. Three.", count=2) == "One. Two."


def test_fitting_sentences_come_in_the_order_of_the_text() -> None:
    text = "Cats sleep. Dogs bark at cats. Birds sing."

    assert fitting(text, terms("cats dogs"), 2) == ["Cats sleep.", "Dogs bark at cats."]
    assert fitting(text, terms("fish"), 2) == []


def test_html_becomes_lines_without_scripts() -> None:
    html = "<p>Hi <b>bold</b>ness &amp; x</p><ul><li>a<li>b</ul><script>x()</script>tail"

    assert html_to_text(html) == "Hi boldness & x\na\nb\ntail"


def test_plain_text_with_angle_brackets_is_left_alone() -> None:
    assert html_to_text("a < b and 3 > 2, AT&T") == "a < b and 3 > 2, AT&T"


def test_html_nested_deeper_than_the_stack_is_read() -> None:
    assert html_to_text("<div>" * 5000 + "deep") == "deep"


@given(st.text())
def test_any_text_passes_as_html(text: str) -> None:
    html_to_text(text)


def test_markdown_of_a_stranger_makes_no_link() -> None:
    assert escape_markdown("[x](evil)\n<b>") == r"\[x\](evil) \<b>"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a?b=2&a=1",
        "http://www.example.org:80/a/?a=1&utm_source=feed&b=2#top",
        "https://EXAMPLE.org/a?a=1&b=2&fbclid=9",
    ],
)
def test_addresses_of_one_page_have_one_form(url: str) -> None:
    assert canonical_url(url) == "example.org/a?a=1&b=2"


@given(st.text())
def test_any_text_passes_as_an_address(text: str) -> None:
    canonical_url(text)
    link_target(text)


def test_addresses_are_found_without_the_marks_around_them() -> None:
    text = "See https://a.org/x, (http://b.org/y). Again: https://a.org/x!"

    assert find_urls(text) == ["https://a.org/x", "http://b.org/y"]


def test_a_link_target_cannot_close_its_bracket() -> None:
    assert link_target("https://a.org/x_(y) z") == "https://a.org/x_%28y%29%20z"


@pytest.mark.parametrize("text", ["Mr. " * 50_000, "." * 200_000, "Mr. Smith... " * 20_000])
def test_sentences_of_a_long_line_take_no_square_of_its_length(text: str) -> None:
    assert "".join(" ".join(sentences(text)).split()) == "".join(text.split())


def test_an_abbreviation_may_begin_a_sentence_of_a_script_without_spaces() -> None:
    assert sentences("終。Mr. Smith came. He left.") == ["終。", "Mr. Smith came.", "He left."]


def test_a_text_of_tags_that_never_end_is_read_at_once() -> None:
    assert html_to_text("<a" * 500_000) == "<a" * 500_000


def test_half_a_surrogate_pair_in_an_address_breaks_nothing() -> None:
    assert canonical_url("http://example.org/?a=\ud800") == "example.org?a=%3F"
    assert link_target("http://example.org/\ud800") == "http://example.org/?"


def test_blanks_are_cut_like_any_text() -> None:
    assert clip(" " * 100, 10) == "…"
