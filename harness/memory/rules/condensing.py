"""What a rewrite of a MEMORY.md must not do, whoever made it up.

Memories have been lost to bad summaries: ten thousand characters came back as two hundred.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.errors import HarnessError
from harness.memory.rules.lines import Line, bare, parse
from harness.memory.rules.rule_text import claimed, unsafe
from harness.memory.terms import key_terms
from harness.text.words import a_few

MOST_ENTRIES = 4  # one entry of so many may go
LEAST_LEFT = 4  # one character of so many must stay
USUAL = 4  # a term of more than one entry of so many says little
KEPT = 0.5  # of an entry's key terms: so many in one new entry, and it is still there


class RewriteRefused(HarnessError):
    """A rewrite would lose more than it may."""


def check(before: str, after: str, hand_written: Sequence[str]) -> None:
    """Raises RewriteRefused, with all reasons, when `after` must not take the place of `before`.

    `hand_written`: the lines of `before` that a person wrote.
    """
    reasons = [
        *_lost_lines(after, hand_written),
        *_lost_entries(parse(before), parse(after)),
        *_lost_text(before, after),
        *_new_claims(before, after),
    ]
    if reasons:
        raise RewriteRefused(
            f"MEMORY.md was not rewritten: {'; '.join(reasons)}",
            hint="nothing was changed; condense it by hand, or delete what is not needed",
        )


def _lost_lines(after: str, hand_written: Sequence[str]) -> list[str]:
    """Lines of a person's are never dropped or changed."""
    there = Counter(line.text for line in parse(after))
    wanted = Counter(line for line in hand_written if line.strip())
    lost = list((wanted - there).elements())
    quoted = a_few((f'"{line.strip()[:60]}"' for line in lost), 3)
    return [f"it drops {len(lost)} hand-written lines: {quoted}"] if lost else []


def _lost_entries(before: Sequence[Line], after: Sequence[Line]) -> list[str]:
    """An entry stays word for word, or when half of what it is about stands in one new entry."""
    old = [line.text for line in before if line.item]
    stays = {line.text for line in after if line.item}
    new = [key_terms(bare(text)) for text in stays - set(old)]
    usual = _usual([key_terms(bare(text)) for text in old])
    lost = [text for text in old if text not in stays and not _is_in(text, new, usual)]
    if len(lost) * MOST_ENTRIES <= len(old):
        return []
    return [f"it drops {len(lost)} of {len(old)} entries, and at most a quarter may go"]


def _usual(entries: Sequence[frozenset[str]]) -> frozenset[str]:
    """Terms that tell no entry from the others: more than a quarter of them have these."""
    found = Counter(term for terms in entries for term in terms)
    return frozenset(term for term, count in found.items() if count * USUAL > len(entries) + USUAL)


def _is_in(text: str, entries: Sequence[frozenset[str]], usual: frozenset[str]) -> bool:
    terms = key_terms(bare(text))
    wanted = (terms - usual) or terms
    return any(len(wanted & entry) >= KEPT * len(wanted) for entry in entries)


def _lost_text(before: str, after: str) -> list[str]:
    if len(after) * LEAST_LEFT >= len(before):
        return []
    return [f"it leaves {len(after)} of {len(before)} characters, and a quarter must stay"]


def _new_claims(before: str, after: str) -> list[str]:
    """What is condensed says nothing that did not stand there."""
    known = {line.text for line in parse(before)}
    for line in parse(after):
        if line.text in known or not line.text.strip():
            continue
        said = bare(line.text)
        faults = unsafe(said) or claimed(said, before)
        if faults:
            return [f'"{said[:60]}" says more than stood there: {a_few(faults, 4)}']
    return []
