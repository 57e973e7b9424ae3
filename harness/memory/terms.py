"""Key terms: what a sentence is about, alike in singular and plural, and in the forms of a verb."""

from __future__ import annotations

import re

from harness.text.words import STOP_WORDS, fold, words

_LONE_LETTERS = 2
_STRICT = re.compile(r"[\d_]|\w[./]\w|\w[A-Z]")
_NAME = re.compile(r"\w*[^\W_]_\w*|_+[^\W_]\w*")  # one word: buy_amt


def stem(word: str) -> str:
    """The form in which "field" and "fields", "call" and "calling" are the same word.

    Names with digits, underscores or dots in them are not touched. For comparing only: what it
    gives is not always a word.
    """
    if _STRICT.search(word) or not word.isascii():
        return word
    return _undoubled(_unended(word.removesuffix("'s")))


def key_terms(text: str) -> frozenset[str]:
    """The stems of the words of `text` that carry meaning; a name with underscores is one."""
    folded = fold(text)
    rest = words(_NAME.sub(" ", folded))
    return frozenset(
        (*_NAME.findall(folded), *(stem(word) for word in rest if word not in STOP_WORDS))
    )


def is_strict(token: str) -> bool:
    """Whether a token is a name, number or path that has one spelling: BUY_AMT, 1.5, webFetch."""
    return bool(_STRICT.search(token))


def _unended(word: str) -> str:
    for ending, instead in (("ies", "y"), ("ied", "y"), ("ing", ""), ("ed", ""), ("s", "")):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= _LONE_LETTERS and not word.endswith(("ss", "us", "is")):
            return _unended(rest + instead) if ending == "s" else rest + instead
    return word


def _undoubled(word: str) -> str:
    """Without a last e, and with the last letter once: "us(e)", "run(n)", "cal(l)"."""
    bare = word.removesuffix("e") if len(word) > _LONE_LETTERS else word
    if len(bare) > _LONE_LETTERS and bare[-1] == bare[-2]:
        return bare[:-1]
    return bare
