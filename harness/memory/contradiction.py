"""Whether two rules say opposite things. Pure, by words alone, and stated here in full.

A rule is read as its trigger ("When ...,"), what it wants, what it wants not ("never", "do not",
"avoid", "instead of", "not"), and the numbers in it. Two rules contradict each other when more than
half of the shorter trigger stands in the other one, or one has none, and

- what one wants is what the other wants not (half of the key terms of both are shared; or all, when
  what both want besides is put in: "A in B rather than C" and "A in C"), or
- they say the same with other numbers (three quarters of the other key terms are shared), or
- they give one subject two values ("X is A", "X is B"), or
- they turn an order round ("X before Y", "Y before X").

Two rules that want the same and want the same not never contradict each other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from harness.memory.terms import key_terms
from harness.text.words import fold, numbers, similarity

ALIKE = 0.5  # shared key terms, of what is wanted and of what is not
SAME = 0.75  # shared key terms beside the numbers
_TRIGGER = re.compile(
    r"^(?:when(?:ever)?|if|before|after|for|while|once|in case of|on|with)\b([^,:]*)[,:]\s*(?=\S)"
)
_NOT = (
    r"never|do not|don['’]t|does not|doesn['’]t|is not|isn['’]t|are not|aren['’]t|avoid|must not"
    r"|should not|shouldn['’]t|cannot|can['’]t|no longer|stop|instead of|rather than|not|without"
)
_CLAUSE = re.compile(
    rf"\s*(?:(?:[,;:]|\.(?=\s|$))\s*(?:and|but|then)?\s*|\s(?=(?:{_NOT})\s)|\s(?:but|and)\s(?=(?:{_NOT}|use|always)\s))"
)
_NEGATED = re.compile(rf"^(?:and |but |please |always )*(?:.*?\s)?(?:{_NOT})\s")
_VALUE = re.compile(r"^(.+?)\s(?:is|are|=|equals|means|is called|to)\s(?!not\b|never\b)(.+)$")
_ORDER = re.compile(r"^(.+?)\s(before|after)\s(.+)$")
_FILLER = key_terms(
    "use call always never not do instead rather please only must should need needs make sure"
    " avoid stop longer don't doesn't isn't aren't shouldn't can't cannot without value field"
)
_MOST_OF_A_VALUE = 3  # key terms
KNOWN = 8_192  # texts whose reading is kept: each is held against all others


Pair = tuple[frozenset[str], frozenset[str]]


@dataclass(frozen=True)
class Claim:
    """What a rule says, as far as words show it."""

    trigger: frozenset[str]
    wanted: frozenset[str]
    unwanted: frozenset[str]
    values: tuple[Pair, ...]  # subject, value
    orders: tuple[Pair, ...]  # what comes first, what comes then

    @cached_property
    def about(self) -> frozenset[str]:
        """All key terms but those of the trigger."""
        return self.wanted | self.unwanted


def contradicts(a: str, b: str) -> bool:
    """Whether the two say opposite things. Symmetric; no text contradicts itself."""
    return _opposed(claim_of(a), claim_of(b))


@lru_cache(maxsize=KNOWN)
def claim_of(text: str) -> Claim:
    """How the rule reads a text."""
    said = " ".join(fold(text).replace("`", "").split())
    trigger = _TRIGGER.match(said)
    clauses = [part for part in _CLAUSE.split(said[trigger.end() :] if trigger else said) if part]
    wanted = [part for part in clauses if not _NEGATED.match(f"{part} ")]
    unwanted = [part for part in clauses if _NEGATED.match(f"{part} ")]
    return Claim(
        key_terms(trigger[1]) - _FILLER if trigger else frozenset(),
        _about(wanted),
        _about(unwanted),
        tuple(value for part in wanted for value in _values(part)),
        tuple(order for part in wanted for order in _orders(part)),
    )


def _opposed(a: Claim, b: Claim) -> bool:
    if a.about.isdisjoint(b.about):  # whatever opposes them, they would share a term
        return False
    if a == b or not _same_trigger(a, b):
        return False
    if _other_numbers(a, b) or _other_value(a, b) or _other_order(a, b):
        return True
    if _agree(a.wanted, b.wanted) and _agree(a.unwanted, b.unwanted):
        return False
    return _forbids(a, b) or _forbids(b, a)


def _forbids(a: Claim, b: Claim) -> bool:
    """Whether what `b` wants is what `a` wants not."""
    if similarity(a.unwanted, b.wanted) >= ALIKE:
        return True
    besides = b.wanted - a.unwanted
    return bool(a.unwanted) and bool(besides) and a.unwanted <= b.wanted and besides <= a.wanted


def _same_trigger(a: Claim, b: Claim) -> bool:
    if not a.trigger or not b.trigger:
        return True
    return len(a.trigger & b.trigger) > ALIKE * min(len(a.trigger), len(b.trigger))


def _agree(left: frozenset[str], right: frozenset[str]) -> bool:
    return left == right or similarity(left, right) >= ALIKE


def _other_numbers(a: Claim, b: Claim) -> bool:
    left, right = a.about, b.about
    here, there = numbers(left), numbers(right)
    if not here or not there or here & there:
        return False
    return similarity(left - here, right - there) >= SAME


def _other_value(a: Claim, b: Claim) -> bool:
    return any(
        similarity(subject, other) >= SAME and not value & another
        for subject, value in a.values
        for other, another in b.values
    )


def _other_order(a: Claim, b: Claim) -> bool:
    return any(
        similarity(first, last) >= SAME and similarity(then, before) >= SAME
        for first, then in a.orders
        for before, last in b.orders
    )


def _orders(clause: str) -> list[Pair]:
    found = _ORDER.match(clause)
    if found is None:
        return []
    left, right = key_terms(found[1]) - _FILLER, key_terms(found[3]) - _FILLER
    if not left or not right or left == right:
        return []
    return [(left, right) if found[2] == "before" else (right, left)]


def _values(clause: str) -> list[Pair]:
    found = _VALUE.match(clause)
    if found is None:
        return []
    subject, value = key_terms(found[1]) - _FILLER, key_terms(found[2]) - _FILLER
    return [(subject, value)] if subject and 0 < len(value) <= _MOST_OF_A_VALUE else []


def _about(clauses: list[str]) -> frozenset[str]:
    return key_terms(" . ".join(clauses)) - _FILLER
