"""A text that comes in pieces, shown while it comes: without secrets, its links harmless.

A secret may be split between two pieces, and its name stands before it. So the last word is held
back until it is whole, and what follows a name until a line came that cannot belong to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from harness.text.disarm import disarmed
from harness.text.secrets import Redactor

CONTEXT = 1000  # characters of a long line, shown already, that may say what the next ones are

_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_LAST_WORD = re.compile(r"\S*\Z")
_PARAGRAPHS = re.compile(r".*\n[ \t\r]*\n", re.DOTALL)
_MORE = "~~~\n"  # what might come next, and is no secret
_OPEN = (":", "=", ">", "|")  # the value of such a line may stand in the next one


class Veil(Protocol):
    """Takes the pieces of one text; what it gives back may be shown."""

    def add(self, piece: str) -> str:
        """What may be shown now that could not be before; often nothing."""
        ...

    def end(self) -> str:
        """The rest, since nothing more comes."""
        ...


class Curtain:
    """Shows nothing."""

    def add(self, piece: str) -> str:
        return ""

    def end(self) -> str:
        return ""


class Unsecret:
    """Shows all but what the redactor knows as a secret; word by word where none is near."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._text = ""  # what is held back, behind what was shown of its line
        self._shown = 0  # how much of it was shown
        self._suspect = 0  # how much of it has a secret in it, or may lead to one

    def add(self, piece: str) -> str:
        return "".join(map(self._add, _LINES.findall(piece)))

    def end(self) -> str:
        return self._show(len(self._text))

    def _add(self, piece: str) -> str:
        self._text += piece
        if self._suspect:
            return self._settle() if piece.endswith("\n") else ""
        return self._look() if any(map(str.isspace, piece)) else ""

    def _look(self) -> str:
        """Show the whole words, unless a secret is near."""
        last = _LAST_WORD.search(self._text)
        text = self._text[: last.start() if last else None]
        if self._redactor.suspects(text):
            self._suspect = len(text)
            return ""
        said = text[self._shown : self._redactor.open_end(text)]
        self._shown += len(said)
        self._forget()
        return said

    def _settle(self) -> str:
        """Show what was suspect, once a line came that can be no part of it."""
        start = self._text.rfind("\n", 0, -1) + 1
        line = self._text[start:]
        begins = start >= self._suspect and not line[0].isspace()
        if not begins or line.rstrip().endswith(_OPEN) or self._redactor.suspects(line):
            return ""
        return "" if self._is_open() else self._show(len(self._text))

    def _is_open(self) -> bool:
        """Whether what comes next belongs to a secret, as to a key whose end is not there yet."""
        whole = self._redactor.open_end(self._text) == len(self._text)
        return not (whole and self._redactor.text(self._text + _MORE).endswith(_MORE))

    def _show(self, end: int) -> str:
        """Show the text up to there, and begin anew behind it."""
        clean = self._redactor.text(self._text[:end])
        shown = self._redactor.text(self._text[: self._shown])
        self._text, self._shown, self._suspect = self._text[end:], 0, 0
        return clean[common(clean, shown) :]

    def _forget(self) -> None:
        """A line that was shown to its end says nothing of the next one."""
        if self._shown == len(self._text) and self._text.endswith("\n"):
            self._text, self._shown = "", 0
        elif self._shown > 2 * CONTEXT:
            self._text, self._shown = self._text[self._shown - CONTEXT :], CONTEXT


class Disarmed:
    """Shows what another veil shows by paragraphs, disarmed as an answer is before it leaves the
    house: no link goes over the end of a paragraph."""

    def __init__(self, veil: Veil, knows: Callable[[str], bool]) -> None:
        """`knows`: whether an address stood in what was read."""
        self._veil = veil
        self._knows = knows
        self._held = ""

    def add(self, piece: str) -> str:
        self._held += self._veil.add(piece)
        whole = _PARAGRAPHS.match(self._held) if "\n" in piece else None
        return self._show(whole.end() if whole else 0)

    def end(self) -> str:
        self._held += self._veil.end()
        return self._show(len(self._held))

    def _show(self, end: int) -> str:
        text, self._held = self._held[:end], self._held[end:]
        return disarmed(text, self._knows) if text else ""


def common(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
