"""The terms under which a text is found: its words without stop words, cut to their stems."""

from __future__ import annotations

import re
from functools import lru_cache

from harness.memory.search.porter import stem
from harness.text.words import STOP_WORDS, words

LONGEST_TERM = 40  # characters; what is longer is no word, and is found by its beginning
_PARTS = re.compile(r"[.\-'’]+")
_OWNER = re.compile(r"['’]s?$|['’](?:ll|re|ve|d|m|s)$")
_FENCED = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1[`~]*\s*$|\Z)", re.MULTILINE | re.DOTALL)

# beyond those of harness.text.words: what a question is made of
_MORE = frozenset(
    re.findall(
        r"\S+",
        """above again against am because being below between both did doing down during each few
    further having here hers herself himself hers itself let myself nor off once only other ours
    ourselves same than themselves through until very while whom yours yourself yourselves
    aren't can't cannot couldn't didn't doesn't don't hadn't hasn't haven't isn't mustn't needn't
    shan't shouldn't wasn't weren't won't wouldn't s t ve re ll d m much many got""",
    )
)
SILENT = (STOP_WORDS - frozenset(["new", "please"])) | _MORE


def terms_of(text: str) -> list[str]:
    """The terms in order, with repeats. "gpt-4.1" gives itself and its parts."""
    plain = _FENCED.sub(" ", text) if "```" in text or "~~~" in text else text
    return [term for word in words(plain) if word not in SILENT for term in terms_in(word)]


@lru_cache(maxsize=20_000)
def terms_in(word: str) -> tuple[str, ...]:
    """The terms of one word: mostly one, none when it only looked like saying something."""
    parts = [part for part in _PARTS.split(_OWNER.sub("", word)) if part]
    whole = ["".join(parts)] if len(parts) > 1 else []
    numbers = len(parts) > 1 and all(part.isdigit() for part in parts)  # a day, a version
    told = [*whole, *(stem(part) for part in parts if part not in SILENT and not numbers)]
    return tuple(term[:LONGEST_TERM] for term in told)
