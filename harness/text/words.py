"""Words of a text, and how alike two texts are by their words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Letters and digits of any script; an inner dot, hyphen or apostrophe belongs to the word
# ("gpt-4.1", "o'reilly"). Scripts without spaces (CJK) give one word per character.
_WORD = re.compile(
    r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]|[^\W_\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]+"
    r"(?:[.\-'’][^\W_\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]+)*"
)
_DIGIT = re.compile(r"\d")

STOP_WORDS = frozenset(
    re.findall(
        r"\S+",
        """a about after all also an and any are as at be been before but by can could did do does
    for from get had has have he her his how i if in into is it its just me more most my new no not
    now
    of off on or our out over own please s said say says she should so some such than that the
    their them then there these they this those to too under up us was we were what when where
    which who why will with would you your
    der die das den dem des ein eine einen und oder ist sind war mit von vom zu zum zur im in auf
    für le la les de du des un une et ou est sont pour dans sur""",
    )
)


def fold(text: str) -> str:
    """The form in which texts are compared: compatibility characters undone, case folded."""
    return unicodedata.normalize("NFKC", text).casefold()


def words(text: str) -> list[str]:
    """The words of `text` in order, folded."""
    return _WORD.findall(fold(text))


def terms(text: str) -> frozenset[str]:
    """The words that carry meaning: those of `words` without stop words."""
    return frozenset(words(text)) - STOP_WORDS


def numbers(text_terms: frozenset[str]) -> frozenset[str]:
    """Those terms that hold a digit: years, versions, amounts, model names."""
    return frozenset(term for term in text_terms if _DIGIT.search(term))


def similarity(left: frozenset[str], right: frozenset[str]) -> float:
    """Jaccard: shared terms over all terms, 0.0 to 1.0. Two empty sets are not alike."""
    if not left or not right:
        return 0.0
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)


def clip(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, cut between words, the cut marked by an ellipsis."""
    if len(text) <= limit:
        return text
    head = text[: max(limit - 1, 0)]
    first_words = head.rsplit(None, 1)[:1] if " " in head[limit // 2 :] else [head]
    return "".join(first_words).rstrip() + "…" if limit > 0 else ""


def quotation(text: str) -> str:
    """Every line marked as quoted: what another agent wrote is material, not an order."""
    return "\n".join(f"> {line}" for line in text.splitlines())


def a_few(names: Iterable[str], most: int, more: str = "more") -> str:
    """The first `most` names, and how many more there are: `a, b and 7 more`."""
    known = list(names)
    rest = f" and {len(known) - most} {more}" if len(known) > most else ""
    return ", ".join(known[:most]) + rest
