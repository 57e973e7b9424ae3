"""Sentences of a text, quoted as they stand."""

from __future__ import annotations

import re

from harness.text.words import clip, terms

# An end mark, its closing quotes, then space and something that can begin a sentence.
# A run of marks is entered at its first one only: a line of dots takes no square of its length.
_END = re.compile(r"(?:(?<![.!?…])[.!?…]++[\"'”’)\]]*+\s+(?=[\"'“‘(\[]?[^\sa-z])|[。！？]+)")
_ABBREVIATION = re.compile(
    r"(?<![^\s(。！？])(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|No|vs|etc|e\.g|i\.e|U\.S|U\.K|Inc|Ltd|Co|Corp|Jr|Sr"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|approx|Fig|al)\.\s*$"
)
_LONGEST_ABBREVIATION = 12  # characters, with what stands around it


def sentences(text: str) -> list[str]:
    """The sentences of `text` in order. Each is a piece of it, white space aside."""
    found: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        found += _of_paragraph(" ".join(paragraph.split()))
    return found


def lead(text: str, count: int = 2, limit: int = 320) -> str:
    """The first `count` sentences, in at most `limit` characters."""
    return clip(" ".join(sentences(text)[:count]), limit)


def fitting(text: str, wanted: frozenset[str], count: int) -> list[str]:
    """The `count` sentences that share most with the `wanted` terms, in the text's order.

    A sentence that shares nothing is never among them, and none comes twice.
    """
    scored = [
        (len(terms(sentence) & wanted), at, sentence)
        for at, sentence in enumerate(dict.fromkeys(sentences(text)))
    ]
    best = sorted((entry for entry in scored if entry[0]), key=lambda entry: (-entry[0], entry[1]))
    return [sentence for _, _, sentence in sorted(best[:count], key=lambda entry: entry[1])]


def _of_paragraph(paragraph: str) -> list[str]:
    found: list[str] = []
    start = 0
    for end in _END.finditer(paragraph):
        near = max(start, end.end() - _LONGEST_ABBREVIATION)
        if _ABBREVIATION.search(paragraph, near, end.end()):
            continue
        found.append(paragraph[start : end.end()].strip())
        start = end.end()
    if rest := paragraph[start:].strip():
        found.append(rest)
    return found
