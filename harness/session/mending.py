"""What put a failed call right: how it differs from the next one of its tool that worked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

LONGEST = 80  # characters of a value that a rule can name
ALIKE = 0.5  # share of two values from which on the one may be the other, put right
_NAME = re.compile(r"[a-z][a-z_]{0,39}")
_NUMBER = re.compile(r"\d+")
_PARTS = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class Mend:
    """One thing that was wrong, and what was right instead."""

    wrong: str
    right: str
    is_name: bool = False  # of an argument: the right one is a word of the tool's, nobody else's

    @property
    def rule(self) -> str:
        """The clause of a rule: what to do, and what not."""
        return f"{self.short_rule}, not `{self.wrong}`"

    @property
    def short_rule(self) -> str:
        """What to do alone: who chose the wrong word may have meant it to be read."""
        return f"use {'argument ' if self.is_name else ''}`{self.right}`"


def mend(failed: Mapping[str, Any], worked: Mapping[str, Any]) -> Mend | None:
    """The one difference between the arguments of two calls; None when there are several, or none
    that tells anything: another page was read, say."""
    only_failed = {name: failed[name] for name in failed.keys() - worked.keys()}
    only_worked = {name: worked[name] for name in worked.keys() - failed.keys()}
    changed = [name for name in failed.keys() & worked.keys() if failed[name] != worked[name]]
    match (list(only_failed), list(only_worked), changed):
        case ([wrong], [right], []) if only_failed[wrong] == only_worked[right]:
            return Mend(wrong, right, is_name=True) if are_names(wrong, right) else None
        case ([], [], [name]):
            return changed_value(failed[name], worked[name])
    return None


def are_names(*words: str) -> bool:
    return all(_NAME.fullmatch(word) for word in words)


def changed_value(wrong: object, right: object) -> Mend | None:
    """The smallest part of a value that was exchanged, if the rest of it stayed."""
    before, after = as_text(wrong), as_text(right)
    parts = list(exchanged(before, after))
    if len(parts) != 1:
        return None
    old, new = parts[0]
    fits = old and new and max(len(old), len(new)) <= LONGEST
    return Mend(old, new) if fits and related(old, new) else None


def as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def exchanged(before: str, after: str) -> Iterator[tuple[str, str]]:
    """The words of one text that the other has otherwise, in runs."""
    old, new = _PARTS.findall(before), _PARTS.findall(after)
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            yield " ".join(old[a:b]), " ".join(new[c:d])


def related(old: str, new: str) -> bool:
    """Whether the one can be the other, put right: as many words, and the one within the other or
    most of its letters. Two pages of a list have that too: what differs in numbers alone is not.
    """
    if len(old.split()) != len(new.split()) or _NUMBER.sub("", old) == _NUMBER.sub("", new):
        return False
    small, large = old.casefold(), new.casefold()
    within = small in large or large in small
    return within or SequenceMatcher(None, small, large, autojunk=False).ratio() >= ALIKE
