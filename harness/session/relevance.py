"""Which of what a search found is worth telling: it has to do with the task, and is new to it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from harness.memory.search.terms import terms_of
from harness.memory.search.units import Hit
from harness.text.invisible import visible
from harness.text.words import numbers, similarity, terms, words

QUERY = 4_000  # characters of a task that are searched for
SHARED = 2  # terms that a piece must have in common with the task,
RARE = 3  # or one that no more than so many of the hits have;
LONG = 20  # terms from which on a task is long: then one more, and no rare one will do
ALIKE = 0.8  # of their words that two pieces share when one of them is enough
NEGATIONS = frozenset(["not", "no", "never", "none", "nor", "nicht", "kein", "keine", "nie", "pas"])
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
# what tasks are made of besides what they are about
EVERYDAY = frozenset(
    terms_of(
        """good morning evening afternoon night hello hi hey thanks thank please day today tomorrow
    yesterday week write tell give make show look find report short brief briefly answer task help
    need want know think see use work thing something anything everything new old next last first
    one two three time keep send read check list summary summarise summarize go come take put try"""
    )
)


def asked_terms(task: str) -> frozenset[str]:
    """What a task is about: its terms without those that every task has."""
    return frozenset(terms_of(task[:QUERY])) - EVERYDAY


def relevant(hits: Sequence[Hit], task: str) -> list[Hit]:
    """Those that share SHARED terms with the task, or one that only RARE hits have; one more with
    a LONG task, which shares a word or two with anything."""
    asked = asked_terms(task)
    common = [asked & set(terms_of(f"{hit.unit.heading} {hit.unit.text}")) for hit in hits]
    often = Counter(term for shared in common for term in shared)
    rare = {term for term, times in often.items() if times <= RARE}
    long = len(asked) > LONG
    return [
        hit
        for hit, shared in zip(hits, common, strict=True)
        if len(shared) >= SHARED + long or (not long and shared & rare)
    ]


def unknown(hits: Iterable[Hit], known: str) -> Iterator[Hit]:
    """Those whose words do not stand in the prompt already."""
    said = f" {' '.join(words(known))} "
    return (hit for hit in hits if f" {' '.join(words(one_line(hit.unit.text)))} " not in said)


def unlike(hits: Iterable[Hit]) -> list[Hit]:
    """The first of those that say nearly the same."""
    kept: list[Hit] = []
    for hit in hits:
        if not any(alike(hit.unit.text, other.unit.text) for other in kept):
            kept.append(hit)
    return kept


def alike(one: str, other: str) -> bool:
    """Nearly the same words, and the same numbers and negations."""
    left, right = terms(one), terms(other)
    if numbers(left) != numbers(right) or similarity(left, right) < ALIKE:
        return False
    return not (set(words(one)) ^ set(words(other))) & NEGATIONS


def one_line(text: str) -> str:
    return " ".join(visible(_COMMENT.sub(" ", text)).split())
