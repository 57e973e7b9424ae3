"""Shell text as words and operators: the small part of the language that we run ourselves.

What is not known here is refused, not guessed. Nothing is expanded: a `$` that a shell would
look at ends the scan, and patterns are only marked.
"""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass

from harness.permission.script import Unsafe, Word

WILD = "*?["
PLAIN_DOLLAR = '" |)/'  # what may follow a `$` in double quotes without making it an expansion
_REDIRECT = re.compile(r"([0-9]*)(&>>|&>|>>|>|<)(?![<>|&(])")
_TO_ONE = re.compile(r"2>&1(?=[ \t\n;|)&]|$)")
_JOINT = re.compile(r"&&|\|\||\||;|\n")
_BRACES = re.compile(r"\{[\w/^-]*\}", re.ASCII)  # `{}` and `stash@{0}`, which no shell expands
_PLAIN = re.compile(r"[\w./,:@%+=^\]-]+", re.ASCII)


@dataclass(frozen=True)
class Operator:
    """What stands between words: a joint of commands, or a redirect."""

    text: str  # `|`, `&&`, `||`, `;`, newline; `2>&1`; `<`, `>`, `>>`, `&>`, `&>>`
    start: int
    stream: int = -1  # of a redirect; -1 where none is written


Token = Word | Operator


def scan(text: str) -> list[Token]:
    """The words and operators of `text` in order. Raises Unsafe."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
            continue
        token, at = _operator(text, at) or _word(text, at)
        tokens.append(token)
    return tokens


def _operator(text: str, at: int) -> tuple[Operator, int] | None:
    if found := _TO_ONE.match(text, at):
        return Operator(found[0], at, 2), found.end()
    if found := _REDIRECT.match(text, at):
        return Operator(found[2], at, _stream(found[1])), found.end()
    if text.startswith("|&", at):
        raise Unsafe("`|&` is not run here", hint="write `2>&1 |`")
    if found := _JOINT.match(text, at):
        return Operator(found[0], at), found.end()
    return None


def _stream(digits: str) -> int:
    if digits not in {"", "0", "1", "2"}:
        raise Unsafe(f"the stream {digits} is led elsewhere", hint="only 0, 1 and 2 can be")
    return int(digits) if digits else -1


def _word(text: str, start: int) -> tuple[Word, int]:
    """The word that begins at `start`: pieces of plain, quoted and escaped text."""
    pieces = _Pieces()
    at = start
    while at < len(text) and text[at] not in " \t\n;|&<>":
        at = _piece(text, at, start, pieces)
    if at == start:
        raise _unsafe(*_REFUSED_OPERATORS[text[at]])
    return pieces.word(start, at), at


def _piece(text: str, at: int, start: int, pieces: _Pieces) -> int:
    """Take one piece and say where the next begins."""
    char = text[at]
    if plain := _PLAIN.match(text, at):
        pieces.add(plain[0])
        return plain.end()
    if char == "'":
        return _single(text, at, pieces)
    if char == '"':
        return _double(text, at, pieces)
    if char == "\\":
        return _escaped(text, at, pieces)
    if char in WILD:
        pieces.wild(char)
        return at + 1
    if braces := _BRACES.match(text, at):
        pieces.add(braces[0])
        return braces.end()
    _refuse(text, at, start)
    pieces.add(char)
    return at + 1


def _single(text: str, at: int, pieces: _Pieces) -> int:
    end = text.find("'", at + 1)
    if end < 0:
        raise Unsafe("a single quote is never closed")
    pieces.quote(text[at + 1 : end])
    return end + 1


def _double(text: str, at: int, pieces: _Pieces) -> int:
    at += 1
    pieces.quote("")
    while at < len(text) and text[at] != '"':
        step = 1
        if text[at] == "\\" and at + 1 < len(text):
            step = 2
            pieces.quote(text[at + 1] if text[at + 1] in '"\\$`\n' else text[at : at + 2])
        elif text[at] == "`" or _expands(text, at):
            raise _unsafe(*_EXPANSION)
        else:
            pieces.quote(text[at])
        at += step
    if at >= len(text):
        raise Unsafe("a double quote is never closed")
    return at + 1


def _expands(text: str, at: int) -> bool:
    return text[at] == "$" and text[at + 1 : at + 2] not in tuple(PLAIN_DOLLAR)


def _escaped(text: str, at: int, pieces: _Pieces) -> int:
    if at + 1 >= len(text) or text[at + 1] == "\n":
        raise Unsafe("a line ends with a backslash", hint="write the command on one line")
    pieces.quote(text[at + 1])
    return at + 2


def _refuse(text: str, at: int, start: int) -> None:
    """Raise for what a shell would not take as itself here."""
    char = text[at]
    alone = at == start and text[at + 1 : at + 2] in {"", " ", "\t", "\n", "="}
    if char in "$`":
        raise _unsafe(*_EXPANSION)
    if char in "(){}":
        raise _unsafe(*_BRACKETS)
    if char == "#" and at == start:
        raise Unsafe("a comment is not run here", hint="leave it out, or quote the #")
    if char == "~" and (at == start or text[at - 1] in "=:"):
        raise Unsafe("`~` is not expanded", hint="give paths relative to the workspace")
    if char == "!" and not alone:
        raise Unsafe("an unquoted `!` may call up the history", hint="put it in single quotes")
    if char.isspace():
        raise Unsafe(f"an unusual space (U+{ord(char):04X}) is in the text", hint="use plain ones")


def _unsafe(what: str, hint: str) -> Unsafe:
    return Unsafe(what, hint=hint)


class _Pieces:
    """A word in the making."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._pattern: list[str] = []
        self._quoted = self._wild = False

    def add(self, text: str) -> None:
        self._text.append(text)
        self._pattern.append(text)

    def quote(self, text: str) -> None:
        self._text.append(text)
        self._pattern.append(glob.escape(text))
        self._quoted = True

    def wild(self, char: str) -> None:
        self.add(char)
        self._wild = True

    def word(self, start: int, end: int) -> Word:
        """A word that begins with - is an option, and never a pattern of names."""
        text = "".join(self._text)
        is_pattern = self._wild and not text.startswith("-")
        pattern = "".join(self._pattern) if is_pattern else None
        return Word(text, self._quoted, pattern, start, end)


_EXPANSION = (
    "nothing is expanded here: no $name, $(...), `...`",
    "single quotes keep a $ as it is",
)
_BRACKETS = (
    "unquoted ( ) { } are not run here: no subshells, groups, functions, {a,b}",
    "quote them, or write the words out",
)
_REFUSED_OPERATORS = {
    "&": ("commands are not run in the background", "leave the & out"),
    "<": ("only `< file` is read: no `<<`, `<<<`, `<>`, `<(...)`", "write a file first"),
    ">": ("only `> file`, `>> file`, `&> file` and `2>&1` are known", "use one of them"),
}
