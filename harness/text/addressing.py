"""Who is meant by the words of a request: rules without a model, the same answer each time."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from harness.text.invisible import visible
from harness.text.words import fold

LONGEST_READ = 20_000  # characters of a request in which words are looked for
_NAME = r"[a-z0-9][a-z0-9-]{0,63}"
_ADDRESS = re.compile(rf"@({_NAME})(?=[:,]|[;.!?]*(?:\s|$))|({_NAME}):(?!//)")
# of scripts without spaces between words: CJK, kana, hangul
_LONE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")


class Claim(NamedTuple):
    """Words and phrases that an agent takes for its business."""

    agent: str
    phrases: Sequence[str]


class Match(NamedTuple):
    """What of a claim a text holds."""

    agent: str
    phrases: tuple[str, ...]  # those that were found, in the order of the claim
    words: frozenset[str]  # that they cover, each once


def addressed(text: str) -> str | None:
    """The name with which a text begins, as `@name` or `name:`; whether anybody has it is not
    asked. Case does not count."""
    found = _ADDRESS.match(_beginning(text))
    return (found[1] or found[2]) if found else None


def only_addressed(text: str) -> str | None:
    """The name that is all of a text, however it is written: nothing is asked of it."""
    name = _beginning(text).strip().removeprefix("@").rstrip(":,;.!? ")
    return name if re.fullmatch(_NAME, name) else None


def words_of(text: str) -> list[str]:
    """The words of a text in order, folded: runs of letters, their marks, and digits of any
    script; where a script puts no spaces, each character. `o'clock` and `gold-price` are two."""
    seen = fold(visible(text))
    spaced = "".join(each if unicodedata.category(each)[0] in "LMN" else " " for each in seen)
    return _LONE.sub(r" \g<0> ", spaced).split()


def match(text_words: Sequence[str], claim: Claim) -> Match:
    """What of a claim stands in a text as whole words, a phrase as its words in a row."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(text_words):
        places.setdefault(word, []).append(place)
    found = [
        (phrase, words)
        for phrase in claim.phrases
        if (words := words_of(phrase))
        and any(text_words[at : at + len(words)] == words for at in places.get(words[0], ()))
    ]
    covered = frozenset(word for _, words in found for word in words)
    return Match(claim.agent, tuple(phrase for phrase, _ in found), covered)


def best(text: str, claims: Iterable[Claim], among: Collection[str]) -> Match | None:
    """The claim of which a text holds most words, each counted once; None when it holds none, or
    claims of different agents hold equally many. The order of the claims decides nothing but which
    of one agent's is told. Claims of agents that are not `among` the crew do not count."""
    read = words_of(text[:LONGEST_READ])
    matches = [match(read, claim) for claim in claims if claim.agent in among]
    most = max((len(each.words) for each in matches), default=0)
    leading = [each for each in matches if len(each.words) == most > 0]
    return leading[0] if len({each.agent for each in leading}) == 1 else None


def _beginning(text: str) -> str:
    return fold(visible(text[:LONGEST_READ]).lstrip()[:200])
