"""Command lines as getopt reads them, by a table of the options that are known.

Options may stand after operands and in bundles, and their values may be attached. What is not
in the table, an abbreviation of it included, is trouble: then nothing is known of the command.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.permission.script import Word

NO_VALUE, TEXT, PATH, ATTACHED, TWO = "", "=", "@", "?", "=="
_DIGITS = re.compile(r"-\d+")


def names(text: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(text.split())


@dataclass(frozen=True)
class Table:
    """The options of a program that only look, and what its operands are."""

    operands: str  # `paths`, `text`, `none`, `pattern` (a text, then paths), `path` (at most one)
    options: dict[str, str]  # name -> how its value is given

    @classmethod
    def of(cls, operands: str, options: str) -> Table:
        """From words: `-n` without a value, `-n=` with a text, `-f@` with a path, `--color=?`
        with a text that is always attached, `--arg==` with two texts, `-#` for any number."""
        known = {"--help": NO_VALUE, "--version": NO_VALUE}
        for word in options.split():
            name = word.rstrip("=@?")
            kind = word.removeprefix(name)
            known[name] = ATTACHED if kind.endswith(ATTACHED) else kind
        return cls(operands, known)


@dataclass
class Line:
    """A command line taken apart."""

    operands: list[Word] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)  # values of options that name files
    given: set[str] = field(default_factory=set)  # options, by name
    trouble: str | None = None  # the first thing that the table does not know


def take_apart(words: Sequence[Word], table: Table) -> Line:
    """`words` without the program's name."""
    line, rest = Line(), list(words)
    while rest and line.trouble is None:
        word = rest.pop(0)
        if word.text == "--":
            line.operands += rest
            break
        if word.text.startswith("--"):
            _long(word.text, rest, table, line)
        elif word.text.startswith("-") and word.text != "-":
            _bundle(word.text, rest, table, line)
        else:
            line.operands.append(word)
    return line


def _long(text: str, rest: list[Word], table: Table, line: Line) -> None:
    name, attached, value = text.partition("=")
    kind = table.options.get(name)
    line.given.add(name)
    if kind is None or (attached and kind in {NO_VALUE, TWO}):
        line.trouble = f"the option {name} is not known to be harmless"
    elif attached:
        _keep(value, kind, line)
    else:
        _values(name, kind, rest, line)


def _bundle(text: str, rest: list[Word], table: Table, line: Line) -> None:
    if "-#" in table.options and _DIGITS.fullmatch(text):
        return
    for at in range(1, len(text)):
        name = f"-{text[at]}"
        kind = table.options.get(name)
        line.given.add(name)
        if kind is None:
            line.trouble = f"the option {name} is not known to be harmless"
            return
        if kind == NO_VALUE:
            continue
        if value := text[at + 1 :]:
            _keep(value, kind, line)
        else:
            _values(name, kind, rest, line)
        return


def _values(name: str, kind: str, rest: list[Word], line: Line) -> None:
    """Take the values that stand in words of their own."""
    for _ in range({TEXT: 1, PATH: 1, TWO: 2}.get(kind, 0)):
        if not rest or rest[0].pattern:
            line.trouble = f"the value of {name} is not plain"
            return
        _keep(rest.pop(0).text, kind, line)


def _keep(value: str, kind: str, line: Line) -> None:
    if kind == PATH:
        line.paths.append(value)
