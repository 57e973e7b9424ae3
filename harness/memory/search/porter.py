"""English words cut down to their stems (M. F. Porter, An algorithm for suffix stripping, 1980)."""

from __future__ import annotations

import re

_C = "[^aeiou](?:[^aeiouy])*"
_V = "[aeiouy][aeiou]*"
_M0 = re.compile(f"^(?:{_C})?{_V}{_C}")  # a vowel and a consonant at least once
_M1 = re.compile(f"^(?:{_C})?(?:{_V}{_C}){{2}}")
_M_IS_1 = re.compile(f"^(?:{_C})?{_V}{_C}(?:{_V})?$")
_VOWEL = re.compile(f"^(?:{_C})?{_V}")
_CVC = re.compile(f"^{_C}[aeiouy][^aeiouwxy]$")
_PLAIN = re.compile(r"[a-z]{3,30}$")

_STEP2 = (
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"),
    ("logi", "log"), ("bli", "ble"), ("alli", "al"), ("entli", "ent"), ("eli", "e"),
    ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"), ("ator", "ate"), ("alism", "al"),
    ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"),
    ("iviti", "ive"), ("biliti", "ble"),
)  # fmt: skip
_STEP3 = (
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"),
    ("ful", ""), ("ness", ""),
)  # fmt: skip
_STEP4 = (
    "ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism", "ate", "iti", "ous",
    "ive", "ize", "al", "er", "ic", "ou",
)  # fmt: skip


def stem(word: str) -> str:
    """The stem of a word in small letters; one that is not plain English letters stays."""
    if not _PLAIN.match(word):
        return word
    return ended(derived(shortened(participle(plural(word)))))


def plural(word: str) -> str:
    if word.endswith(("sses", "ies")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def participle(word: str) -> str:
    """Without -eed, -ed and -ing, and with a y that is one spelt i."""
    if word.endswith("eed"):
        return with_i(word[:-1] if _M0.match(word[:-3]) else word)
    for suffix in ("ed", "ing"):
        head = word.removesuffix(suffix)
        if head != word:
            return with_i(mended(head) if _VOWEL.match(head) else word)
    return with_i(word)


def mended(head: str) -> str:
    """What a participle leaves: hop from hopp, make from mak."""
    if head.endswith(("at", "bl", "iz")):
        return head + "e"
    if head[-2:-1] == head[-1:] and head[-1:] not in "aeioulsz":
        return head[:-1]
    return head + "e" if _M_IS_1.match(head) and _CVC.match(head) else head


def with_i(word: str) -> str:
    return word[:-1] + "i" if word.endswith("y") and _VOWEL.match(word[:-1]) else word


def shortened(word: str) -> str:
    for suffix, other in _STEP2:
        if word.endswith(suffix):
            head = word[: -len(suffix)]
            return head + other if _M0.match(head) else word
    return word


def derived(word: str) -> str:
    for suffix, other in _STEP3:
        if word.endswith(suffix):
            head = word[: -len(suffix)]
            return bare(head + other if _M0.match(head) else word)
    return bare(word)


def bare(word: str) -> str:
    for suffix in _STEP4:
        if word.endswith(suffix):
            head = word[: -len(suffix)]
            return head if _M1.match(head) else word
    if word.endswith("ion") and word[-4:-3] in ("s", "t") and _M1.match(word[:-3]):
        return word[:-3]
    return word


def ended(word: str) -> str:
    if word.endswith("e"):
        head = word[:-1]
        if _M1.match(head) or (_M_IS_1.match(head) and not _CVC.match(head)):
            word = head
    return word[:-1] if word.endswith("ll") and _M1.match(word) else word
