"""Entries of many feeds brought together as stories, and stories put in order.

Two entries are one story when they have the same address, or when their titles share at least
`SIMILAR` of their words, name the same numbers (a version or a year tells two stories apart) and
are at most `DAYS_APART` days apart. What is one story with another is one with its others too.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise

from harness.models.extractive.feeds import Entry
from harness.text.urls import canonical_url
from harness.text.words import fold, numbers, similarity, terms

SIMILAR = 0.6  # Jaccard of the titles' words without stop words
MIN_TERMS = 3  # a title with fewer says too little to be compared
DAYS_APART = 3
CROWD = 100  # a word in more titles than that leads to no pair by itself
HALF_LIFE_HOURS = 18.0
UNDATED = 0.3  # the recency of an entry without a date, or with one that lies ahead
PER_SOURCE = 4  # stories of one source alone, among those picked, while others have some
FEWEST = 18

_SUFFIX = re.compile(r"\s+[-–—|·:]\s+([^-–—|·]{2,60})$")


@dataclass(frozen=True)
class Story:
    """One event with all entries that tell of it; the first is the one to link."""

    entries: tuple[Entry, ...]

    @property
    def lead(self) -> Entry:
        return self.entries[0]

    @property
    def sources(self) -> tuple[str, ...]:
        """Names, the lead's first."""
        return tuple(dict.fromkeys(entry.source for entry in self.entries if entry.source))

    @property
    def published(self) -> datetime | None:
        """When the first of its entries came out."""
        return min((entry.published for entry in self.entries if entry.published), default=None)


def merge(entries: Iterable[Entry]) -> list[Story]:
    """Every entry in exactly one story; the order of the entries does not matter."""
    every = sorted(set(entries), key=_order)
    joined = _Sets(len(every))
    by_address = defaultdict(list)
    for at, entry in enumerate(every):
        if entry.url:
            by_address[canonical_url(entry.url)].append(at)
    for group in by_address.values():
        joined.union(group)
    for left, right in _similar(every):
        joined.union((left, right))
    return [Story(tuple(every[at] for at in group)) for group in joined.groups()]


def rank(stories: Iterable[Story], now: datetime, wanted: frozenset[str]) -> list[Story]:
    """The best first. `wanted` are the words that the task asks for."""

    def key(story: Story) -> tuple[float, str, str]:
        return -score(story, now, wanted), story.lead.title, story.lead.url

    return sorted(stories, key=key)


def score(story: Story, now: datetime, wanted: frozenset[str]) -> float:
    """Source weight times newness and breadth, plus how much of what is wanted it names."""
    weight = max(entry.weight for entry in story.entries)
    newness = max(_recency(entry.published, now) for entry in story.entries)
    breadth = 0.35 * math.log2(max(len(story.sources), 1))
    return weight * (newness + breadth) + 1.5 * fit(story, wanted)


def fit(story: Story, wanted: frozenset[str]) -> float:
    """0.0 to 1.0: the share of the wanted words in the title, those in the text counting half."""
    if not wanted:
        return 0.0
    title = frozenset().union(*(terms(entry.title) for entry in story.entries))
    text = frozenset().union(*(terms(entry.summary) for entry in story.entries)) - title
    return (len(wanted & title) + 0.5 * len(wanted & text)) / len(wanted)


def pick(ranked: Sequence[Story], count: int) -> list[Story]:
    """The first `count`, but not more than a few from one source alone.

    Those held back come in where there would be too few without them.
    """
    taken: Counter[str] = Counter()
    chosen, held = [], []
    for story in ranked:
        alone = story.sources[0] if len(story.sources) == 1 else None
        if alone is not None and taken[alone] >= PER_SOURCE:
            held.append(story)
            continue
        taken[alone or ""] += 1
        chosen.append(story)
    chosen = chosen[:count]
    missing = min(FEWEST, count) - len(chosen)
    if missing > 0:
        kept = {*chosen, *held[:missing]}
        chosen = [story for story in ranked if story in kept]
    return chosen


# ------------------------------------------------------------------------------------ similar


@dataclass(frozen=True)
class _Title:
    """Entries with the same words in their titles, close enough in time to be one story."""

    words: frozenset[str]
    first: datetime | None  # None: one of them is undated, so that it may be any time
    last: datetime | None
    entries: tuple[int, ...]


def _similar(entries: Sequence[Entry]) -> Iterator[tuple[int, int]]:
    """Pairs of entries with similar titles, enough of them to join all that belong together."""
    titles = _titles(entries)
    for title in titles:
        yield from pairwise(title.entries)
    for left, right in _candidates([title.words for title in titles]):
        if _same_story(titles[left], titles[right]):
            yield titles[left].entries[0], titles[right].entries[0]


def _titles(entries: Sequence[Entry]) -> list[_Title]:
    sources = {fold(entry.source) for entry in entries}
    by_words: dict[frozenset[str], list[int]] = defaultdict(list)
    for at, entry in enumerate(entries):
        words = terms(_without_source(entry.title, sources))
        if len(words) >= MIN_TERMS:
            by_words[words].append(at)
    return [
        title
        for words in sorted(by_words, key=sorted)
        for title in _split_by_time(words, by_words[words], entries)
    ]


def _without_source(title: str, sources: Collection[str]) -> str:
    """Aggregators end a title with the publisher's name."""
    suffix = _SUFFIX.search(title)
    return title[: suffix.start()] if suffix and fold(suffix.group(1)) in sources else title


def _split_by_time(
    words: frozenset[str], group: Sequence[int], entries: Sequence[Entry]
) -> Iterator[_Title]:
    dated = [(moment, at) for at in group if (moment := entries[at].published) is not None]
    if len(dated) < len(group):
        yield _Title(words, None, None, tuple(group))
        return
    run: list[tuple[datetime, int]] = []
    for moment, at in sorted(dated):
        if run and moment - run[-1][0] > timedelta(days=DAYS_APART):
            yield _Title(words, run[0][0], run[-1][0], tuple(at for _, at in run))
            run = []
        run.append((moment, at))
    yield _Title(words, run[0][0], run[-1][0], tuple(at for _, at in run))


def _candidates(sets: Sequence[frozenset[str]]) -> set[tuple[int, int]]:
    """Pairs that may be similar, without comparing all with all.

    With the words of every title in one order, rarest first, two titles that share `SIMILAR` of
    their words share one among the first few (prefix filtering, Chaudhuri and others, 2006). A
    word in a crowd of titles is no way to a pair, which bounds the work.
    """
    frequency = Counter(word for words in sets for word in words)
    holders: dict[Hashable, list[int]] = defaultdict(list)
    for at, words in enumerate(sets):
        rarest_first = sorted(words, key=lambda word: (frequency[word], word))
        length = len(words) - math.ceil(SIMILAR * len(words)) + 1
        for word in rarest_first[:length]:
            holders[word, numbers(words)].append(at)
    small = (group for group in holders.values() if 1 < len(group) <= CROWD)
    return {pair for group in small for pair in combinations(group, 2)}


def _same_story(left: _Title, right: _Title) -> bool:
    if similarity(left.words, right.words) < SIMILAR or not _near(left, right):
        return False
    return numbers(left.words) == numbers(right.words)


def _near(left: _Title, right: _Title) -> bool:
    if left.first is None or left.last is None or right.first is None or right.last is None:
        return True
    gap = max(left.first - right.last, right.first - left.last)
    return gap <= timedelta(days=DAYS_APART)


# ------------------------------------------------------------------------------------- details


def _order(entry: Entry) -> tuple[float, datetime, str, str, str, str, tuple[str, ...]]:
    """Within a story: the weightiest source, then who told it first."""
    moment = entry.published or datetime.max.replace(tzinfo=UTC)
    names = entry.source, entry.title, entry.url, entry.summary, entry.tags
    return -entry.weight, moment, *names


def _recency(published: datetime | None, now: datetime) -> float:
    """1.0 now, half of it after each half-life."""
    if published is None:
        return UNDATED
    hours = (now - published) / timedelta(hours=1)
    if hours < -1:
        return UNDATED
    return float(0.5 ** (max(hours, 0.0) / HALF_LIFE_HOURS))


class _Sets:
    """Disjoint sets of the numbers below `size` (union-find)."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def union(self, members: Sequence[int]) -> None:
        first = self._find(members[0])
        for member in members[1:]:
            root = self._find(member)
            low, high = sorted((first, root))
            self._parent[high] = low
            first = low

    def groups(self) -> Iterable[list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for member in range(len(self._parent)):
            found[self._find(member)].append(member)
        return found.values()

    def _find(self, member: int) -> int:
        while self._parent[member] != member:
            self._parent[member] = self._parent[self._parent[member]]
            member = self._parent[member]
        return member
