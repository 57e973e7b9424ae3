"""MEMORY.md as it stands in a prompt: what it says, within its budget, and nothing of how it came.

The same file on the same day gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from harness.memory.rules.lines import Line, Rule, parse
from harness.session.room import within
from harness.text.marks import sources_of
from harness.text.tokens import CHARS_PER_TOKEN, estimate_tokens

NOTICE = 60  # tokens that are kept for saying what was cut
LEFT_OUT = "[left out: words of strangers; the tool `memory` reads them]"
_OPENS, _CLOSES = "<!--", "-->"


@dataclass(frozen=True)
class Told:
    """A line as it is shown."""

    line: Line
    text: str

    @property
    def rank(self) -> tuple[int, int, int]:
        """The smaller, the longer it stays: what a person wrote, from the top; then rules, those
        that were seen last first; then what other machines wrote, the newest first."""
        if self.line.hand_written:
            return (0, 0, self.line.number)
        if self.line.rule:
            return (1, -self.line.rule.last.toordinal(), -self.line.number)
        return (2, 0, -self.line.number)


def remembered(text: str, path: str, tokens: int, today: date) -> str:
    """The lines of a MEMORY.md in at most `tokens`: without those that have expired, with
    provenance as `(since 2026-11-18, seen 3 times)`, without other comments, and with a word in
    the place of what strangers' words may be in. What does not fit is said, with `path`."""
    lines = list(shown(text.strip(), today))
    whole = joined(lines)
    if estimate_tokens(whole) <= tokens:
        return whole
    room = max(tokens - NOTICE, 0)
    kept = fitting(lines, room)
    said = joined(kept) or within(whole, room)
    notice = (
        f"[cut: {len(lines) - len(kept):,} of {len(lines):,} lines, "
        f"{len(whole) - len(said):,} of {len(whole):,} characters, are not shown, "
        f"first of all the rules that were seen longest ago; all of it: {path}]"
    )
    return f"{said}\n{notice}".lstrip("\n")


def shown(text: str, today: date) -> Iterator[Told]:
    of_strangers = False  # what goes on over lines is theirs to its end
    for line in parse(text):
        marked = bool(sources_of(line.text))
        of_strangers = marked or (of_strangers and goes_on(line))
        if of_strangers:
            yield from [Told(line, LEFT_OUT)] if marked else ()
            if marked and line.number == 1:
                return
            continue
        if line.expires is not None and line.expires < today:
            continue
        said = short(line.rule) if line.rule else uncommented(line.text)
        if said.strip() or not line.text.strip():
            yield Told(line, said)


def goes_on(line: Line) -> bool:
    """Whether a line belongs to the one above it."""
    return bool(line.text.strip()) and not line.item and not line.text.startswith("#")


def short(rule: Rule) -> str:
    times = "once" if rule.count == 1 else f"{rule.count} times"
    return f"- {rule.text}{uncommented(rule.more).rstrip()} (since {rule.promoted}, seen {times})"


def uncommented(line: str) -> str:
    """The line without its comments; in one pass, whatever it holds."""
    pieces, done = list[str](), 0
    while (start := line.find(_OPENS, done)) >= 0 and (end := line.find(_CLOSES, start)) >= 0:
        pieces.append(line[done:start].rstrip(" \t"))
        done = end + len(_CLOSES)
    return "".join([*pieces, line[done:]])


def fitting(lines: list[Told], tokens: int) -> list[Told]:
    """As many as fit, those of the lowest rank first, in the order of the file."""
    kept = list[Told]()
    left = float(tokens)
    for told in sorted(lines, key=lambda told: told.rank):
        left -= cost(told.text)
        if left < 0:
            break
        kept.append(told)
    return sorted(kept, key=lambda told: told.line.number)


def cost(text: str) -> float:
    """Tokens of a line with its end, and never less than they count together."""
    return estimate_tokens(text) + 0.5 + 1 / CHARS_PER_TOKEN


def joined(lines: list[Told]) -> str:
    return "\n".join(told.text for told in lines)
