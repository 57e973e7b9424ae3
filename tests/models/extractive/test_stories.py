"""Entries merged into stories, and stories ranked."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.models.extractive.feeds import Entry
from harness.models.extractive.stories import Story, merge, pick, rank, score
from tests.models.extractive.talking import NOW

HOUR = timedelta(hours=1)


def titles(stories: list[Story]) -> set[frozenset[str]]:
    return {frozenset(entry.title for entry in story.entries) for story in stories}


def entry(title: str, source: str = "a", hours: float | None = 1, **more: object) -> Entry:
    published = None if hours is None else NOW - hours * HOUR
    url = f"https://{source}.example/{title.replace(' ', '-')}"
    values: dict[str, object] = {"url": url, "source": source, "published": published, **more}
    return Entry(title, **values)  # type: ignore[arg-type]


words = st.sampled_from("alpha beta gamma delta epsilon zeta eta theta iota 5 6".split())  # noqa: SIM905
entries = st.builds(
    Entry,
    title=st.lists(words, min_size=1, max_size=6).map(" ".join),
    url=st.sampled_from(["", "https://x.org/1", "https://x.org/2?utm_source=a", "https://x.org/2"]),
    source=st.sampled_from(["a", "b", "c"]),
    published=st.one_of(
        st.none(), st.integers(min_value=-50, max_value=400).map(lambda hours: NOW - hours * HOUR)
    ),
    weight=st.sampled_from([0.5, 1.0, 2.0]),
)


def test_one_address_is_one_story_whatever_its_tracking() -> None:
    one = entry("Apple opens a shop", url="https://www.x.org/shop/?utm_source=rss")
    other = entry("A new shop in town", source="b", url="http://x.org/shop")

    assert len(merge([one, other])) == 1


def test_similar_titles_of_several_sources_are_one_story() -> None:
    told = [
        entry("OpenAI releases GPT-6 with long memory"),
        entry("OpenAI releases GPT-6, with a long memory", source="b"),
        entry("OpenAI releases GPT-6 with long memory - Example Times", source="Example Times"),
    ]

    (story,) = merge(told)

    assert story.sources == ("Example Times", "a", "b")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (entry("Llama 4 released with open weights"), entry("Llama 5 released with open weights")),
        (
            entry("Weekly open thread on models", hours=1),
            entry("Weekly open thread on models", "b", 200),
        ),
        (entry("Home"), entry("Home", "b")),
        (entry("Apple opens a new shop"), entry("Banks lower their rates again")),
    ],
)
def test_other_numbers_other_weeks_and_empty_titles_are_other_stories(
    left: Entry, right: Entry
) -> None:
    assert len(merge([left, right])) == 2


@given(st.lists(entries, max_size=25), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_merging_does_not_depend_on_the_order(some: list[Entry], chance: random.Random) -> None:
    shuffled = list(some)
    chance.shuffle(shuffled)

    assert set(merge(some)) == set(merge(shuffled))


@given(st.lists(entries, max_size=25))
@settings(max_examples=60)
def test_every_entry_is_in_exactly_one_story(some: list[Entry]) -> None:
    merged = [entry for story in merge(some) for entry in story.entries]

    assert sorted(merged, key=repr) == sorted(set(some), key=repr)


@given(st.lists(entries, max_size=25), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_ranking_is_stable(some: list[Entry], chance: random.Random) -> None:
    stories = merge(some)
    shuffled = list(stories)
    chance.shuffle(shuffled)
    wanted = frozenset({"alpha"})

    ranked = rank(shuffled, NOW, wanted)

    scores = [score(story, NOW, wanted) for story in ranked]
    assert scores == sorted(scores, reverse=True)
    assert [s.lead.title for s in ranked] == [s.lead.title for s in rank(stories, NOW, wanted)]


def test_thousands_of_entries_are_merged_without_comparing_all_with_all() -> None:
    chance = random.Random(7)
    vocabulary = [f"word{number}x" for number in range(500)]
    distinct = [" ".join(chance.sample(vocabulary, 6)) for _ in range(2500)]
    many = [entry(title, source) for title in distinct for source in ("a", "b")]

    stories = merge(many)

    assert len(stories) <= 2500
    assert all({"a", "b"} == set(story.sources) for story in stories)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (entry("Newer than the rest", hours=1), entry("Older than the rest", hours=30)),
        (entry("A weighty source says", weight=2.0), entry("A light source says", weight=0.5)),
        (entry("Dated story of today"), entry("Undated story of when", hours=None)),
        (entry("Ollama is faster now", hours=20), entry("Something else is up", hours=15)),
    ],
)
def test_what_counts_more_comes_first(better: Entry, worse: Entry) -> None:
    ranked = rank([Story((worse,)), Story((better,))], NOW, frozenset({"ollama"}))

    assert ranked[0].lead == better


def test_a_story_of_several_sources_comes_before_one_of_a_single_source() -> None:
    alone = Story((entry("One source alone has it"),))
    shared = Story((entry("Several sources have it"), entry("Several sources have it", "b")))

    assert rank([alone, shared], NOW, frozenset())[0] is shared


def test_a_date_far_ahead_is_no_advantage() -> None:
    ahead, now = entry("From the future", hours=-500), entry("Of this hour", hours=0)

    assert rank([Story((ahead,)), Story((now,))], NOW, frozenset())[0].lead == now


def test_no_source_floods_the_choice_while_others_have_something() -> None:
    flood = [Story((entry(f"Build b{number} of the day", "busy"),)) for number in range(40)]
    others = [
        Story((entry(f"Story {number} of s{number}", f"s{number}", 10),)) for number in range(20)
    ]

    chosen = pick(rank([*flood, *others], NOW, frozenset()), 20)

    busy = [story for story in chosen if story.sources == ("busy",)]
    assert len(chosen) == 20
    assert len(busy) == 4


def test_a_flood_is_better_than_an_empty_page() -> None:
    flood = [Story((entry(f"Build b{number} of the day", "busy"),)) for number in range(40)]

    assert len(pick(rank(flood, NOW, frozenset()), 24)) == 18
    assert len(pick(rank(flood, NOW, frozenset()), 5)) == 5
