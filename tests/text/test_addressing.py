"""Who is meant by the words of a request: names at the beginning, and whole words anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.text.addressing import Claim, addressed, best, only_addressed, words_of

AGENTS = ("macro", "trading", "content", "tech-radar")
names = st.sampled_from(AGENTS)
WORDS = ("gold", "Post", "fed", "reserve", "straße", "हिन्दी", "東京", "gpt")
phrases = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join)
claims = st.lists(
    st.builds(Claim, names, st.lists(phrases, min_size=1, max_size=3).map(tuple)), max_size=5
)
texts = st.lists(st.sampled_from([*WORDS, "the", "what", "?", "2026"]), max_size=8).map(" ".join)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("@macro what about gold?", "macro"),
        ("  @Macro, what about gold?", "macro"),
        ("MACRO: what about gold?", "macro"),
        ("macro:what about gold?", "macro"),
        ("@tech-radar: what is new?", "tech-radar"),
        ("@macro\nwhat about gold?", "macro"),
        ("\u200b@macro what about gold?", "macro"),
        ("＠ｍａｃｒｏ what about gold?", "macro"),
        ("@macro!", "macro"),
        ("@mcro what about gold?", "mcro"),
        ("macro what about gold?", None),
        ("Ask @macro about gold", None),
        ("Ask macro: gold?", None),
        ("@macro's view, please", None),
        ("@macro@example.org wrote", None),
        ("@macro.example.org is down", None),
        ("http://example.org", None),
        ("", None),
    ],
)
def test_a_name_at_the_beginning_is_an_address(text: str, name: str | None) -> None:
    assert addressed(text) == name


@pytest.mark.parametrize("text", ["macro", "@macro", "Macro:", " @macro , ", "macro?"])
def test_a_name_alone_is_seen_as_one(text: str) -> None:
    assert only_addressed(text) == "macro"


@pytest.mark.parametrize("text", ["macro: gold", "what now", "", "@", "東京"])
def test_what_says_more_or_less_is_no_name_alone(text: str) -> None:
    assert only_addressed(text) is None


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("What about GOLD?", "gold"),
        ("gold's price", "Gold"),
        ("the gold-price", "gold"),
        ("Was macht die STRASSE?", "straße"),
        ("Cafe\u0301 im Ort", "café"),
        ("what the Federal\n  Reserve said", "federal reserve"),
        ("run gpt-4.1 now", "gpt-4.1"),
        ("天気は東京で", "東京"),
        ("मुझे हिन्दी में", "हिन्दी"),
        ("go\u00adld and silver", "gold"),
    ],
)
def test_a_phrase_is_found_as_whole_words_of_any_script(text: str, phrase: str) -> None:
    found = best(text, [Claim("macro", (phrase,))], AGENTS)

    assert found is not None
    assert found.phrases == (phrase,)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("golden times", "gold"),
        ("marigold", "gold"),
        ("reserve of the federal state", "federal reserve"),
        ("हिन्दू", "हिन्द"),
        ("京東", "東京"),
        ("", "gold"),
    ],
)
def test_a_part_of_a_word_or_of_a_phrase_is_not_found(text: str, phrase: str) -> None:
    assert best(text, [Claim("macro", (phrase,))], AGENTS) is None


def test_the_claim_with_more_words_of_a_text_wins() -> None:
    rules = [Claim("content", ("post",)), Claim("macro", ("gold", "federal reserve"))]

    found = best("A post about the Federal Reserve", rules, AGENTS)

    assert found is not None
    assert (found.agent, found.phrases) == ("macro", ("federal reserve",))


def test_claims_of_two_agents_that_are_equally_good_decide_nothing() -> None:
    rules = [Claim("content", ("post",)), Claim("macro", ("gold",))]

    assert best("A post about gold, gold, gold", rules, AGENTS) is None


@given(texts, claims)
def test_the_order_of_the_claims_decides_nothing(text: str, rules: list[Claim]) -> None:
    turned = list(reversed(rules))

    first, second = best(text, rules, AGENTS), best(text, turned, AGENTS)

    assert (first and first.agent) == (second and second.agent)


@given(texts, claims)
def test_only_an_agent_with_a_word_of_the_text_wins(text: str, rules: list[Claim]) -> None:
    found = best(text, rules, AGENTS)

    if found is not None:
        assert found.agent in {rule.agent for rule in rules}
        assert found.words
        assert found.words <= set(words_of(text))


@given(texts, claims)
def test_case_and_marks_round_the_words_decide_nothing(text: str, rules: list[Claim]) -> None:
    loud = "... " + text.swapcase().replace(" ", " -- ") + "!"

    first, second = best(text, rules, AGENTS), best(loud, rules, AGENTS)

    assert (first and first.agent) == (second and second.agent)


@given(st.text(max_size=200), claims)
def test_any_text_at_all_can_be_asked_about(text: str, rules: list[Claim]) -> None:
    addressed(text)
    only_addressed(text)
    best(text, rules, AGENTS)


@given(names, st.text(max_size=50))
def test_an_address_is_read_whatever_follows(name: str, rest: str) -> None:
    assert addressed(f"@{name} {rest}") == name
    assert addressed(f"{name}: {rest}") == name


def test_who_is_not_of_the_crew_claims_nothing() -> None:
    rules = [Claim("stranger", ("gold", "silver")), Claim("macro", ("gold",))]

    found = best("gold and silver", rules, AGENTS)

    assert found is not None
    assert found.agent == "macro"
