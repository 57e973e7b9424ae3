"""A YAML file, or the front matter of a markdown file, that knows where everything stands.

People edit these files by hand. Whatever is wrong with one is said with file, line and
column, all faults at once, and with the word that was probably meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from harness.config import complaints
from harness.config.yaml_text import load_yaml
from harness.errors import ConfigError, Problem
from harness.text.lines import bare_lines, end_of, lines_of
from harness.text.words import clip

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[str | int, ...]  # ("jobs", "ainews-morning", "deliver", 0)

FENCE = "---"
BYTE_ORDER_MARK = "\ufeff"
LONGEST_SHOWN = 500  # characters of a faulty line
LONGEST_SAID = 500  # of a message, which may repeat a key or a value
LARGEST = 1024 * 1024  # bytes; a larger one holds up all that waits for its reading


@dataclass(frozen=True)
class Document:
    """A parsed file: plain data, and the place of each key and value in it."""

    path: Path
    lines: list[str]
    data: Any  # plain dicts, lists and scalars; None when the file says nothing
    body: str  # what follows the front matter of a markdown file; empty for YAML
    root: Node | None

    @classmethod
    def read(cls, path: Path) -> Document:
        """Read a file: `.md` for its front matter, all else as YAML. Raises ConfigError."""
        text = _decode(path)
        if path.suffix == ".md":
            return cls.parse_markdown(text, path)
        return cls.parse(text, path)

    @classmethod
    def read_front(cls, path: Path) -> Document:
        """Read a markdown file that must have front matter. Raises ConfigError."""
        document = cls.read(path)
        if document.data is None:
            message = "the file has no front matter"
            hint = "begin it with a line of three dashes, `name:` and `description:`, three dashes"
            raise ConfigError([document.problem((), message, hint=hint)])
        return document

    @classmethod
    def parse(cls, text: str, path: Path, *, body: str = "") -> Document:
        """Parse YAML text; `path` only names it in problems. Raises ConfigError."""
        lines = bare_lines(text)
        try:
            root, data = load_yaml(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line, mark.column) if mark else (0, 0)
            message, hint = complaints.of_syntax(str(error.problem or error.context or error))
            raise ConfigError([_place(path, lines, line, column, 1, message, hint)]) from error
        except ReaderError as error:
            line, column = end_of(text[: error.position])
            message = f"the character U+{ord(text[error.position]):04X} is not allowed in YAML"
            place = _place(path, lines, line, column, 1, message, "delete it")
            raise ConfigError([place]) from error
        document = cls(path, lines, data, body, root)
        if twice := list(document._repeated_keys()):
            raise ConfigError(twice)
        return document

    @classmethod
    def parse_markdown(cls, text: str, path: Path) -> Document:
        """Parse the front matter of markdown text; the rest is `body`. Raises ConfigError."""
        front, body = split_front_matter(text)
        if front is None and text.startswith(FENCE):
            message = "the front matter that starts here is never closed"
            hint = "end it with a line of three dashes"
            raise ConfigError([_place(path, bare_lines(text), 0, 0, len(FENCE), message, hint)])
        # the empty first line stands for the fence, so that lines count as in the file
        return cls.parse("\n" + (front or ""), path, body=body)

    def problem(
        self,
        location: Location,
        message: str,
        *,
        key: bool = False,
        offset: int = 0,
        width: int | None = None,
        hint: str | None = None,
    ) -> Problem:
        """A problem placed at the value of `location`, or at its key.

        `offset` counts inside a scalar, quotes not included; no `width` marks all of it.
        A location that is not in the file is placed at the nearest one above it.
        """
        found = _find(self.root, location)
        if found.missing:
            key = True
        node = (found.key if key else found.value) or found.value or found.key
        if node is None:
            return _place(self.path, self.lines, 0, 0, 1, message, hint)
        line, column = node.start_mark.line, node.start_mark.column
        text = str(node.value) if isinstance(node, ScalarNode) else ""
        quote = 1 if isinstance(node, ScalarNode) and node.style in ("'", '"') else 0
        shown = self.lines[line][column + quote :] if line < len(self.lines) else ""
        # escapes and folded lines shift the text: then only the start of it is certain
        if text and shown.startswith(text):
            column += quote + offset if (offset or width) else 0
            width = width or len(text) - offset + (0 if offset else 2 * quote)
        return _place(self.path, self.lines, line, column, width or 1, message, hint)

    def _repeated_keys(self) -> Iterator[Problem]:
        for mapping in _mappings(self.root, set()):
            first: dict[str, int] = {}
            for key, _ in mapping.value:
                if not isinstance(key, ScalarNode):
                    continue
                mark, name = key.start_mark, str(key.value)
                if name in first:
                    message = f"key `{name}` is given twice, first on line {first[name]}"
                    width = len(name)
                    yield _place(self.path, self.lines, mark.line, mark.column, width, message)
                first.setdefault(name, mark.line + 1)


def load(path: Path, model: type[Model]) -> Model:
    """Read and validate a whole file. Raises ConfigError with every problem in it."""
    checked = check(Document.read(path), model)
    if isinstance(checked, list):
        raise ConfigError(checked)
    return checked


def check(document: Document, model: type[Model], where: Location = ()) -> Model | list[Problem]:
    """Validate the data at `where`: the model, or every problem with its place and a hint."""
    data = document.data
    for part in where:
        data = data[part]
    outcome = complaints.validate(model, {} if data is None else data)
    if not isinstance(outcome, list):
        return outcome
    problems: dict[tuple[object, ...], Problem] = {}
    for complaint in outcome:
        problem = document.problem(
            where + complaint.location, complaint.message, key=complaint.key, hint=complaint.hint
        )
        # each branch of a union complains of the same value: the first one is enough
        about = (problem.line, problem.column, complaint.message if complaint.key else None)
        problems.setdefault(about, problem)
    return sorted(problems.values(), key=lambda problem: (problem.line, problem.column))


def split_front_matter(text: str) -> tuple[str | None, str]:
    """The YAML between the two `---` lines at the top, and what follows them.

    (None, text) when there is no front matter, or its end is missing.
    """
    lines = lines_of(text)
    if not lines or lines[0].rstrip() != FENCE:
        return None, text
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == FENCE:
            return "".join(lines[1:number]), "".join(lines[number + 1 :])
    return None, text


@dataclass(frozen=True)
class _Found:
    """Where a location led: the key and the value there, or at the last part that exists."""

    key: Node | None
    value: Node | None
    missing: bool


def _find(root: Node | None, location: Location) -> _Found:
    found = _Found(None, root, missing=False)
    for part in location:
        step = _step(found.value, part)
        # a part that is no key may be a pydantic word for the branch of a union: pass it over
        found = step or _Found(found.key, found.value, missing=True)
    return found


def _step(node: Node | None, part: str | int) -> _Found | None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if isinstance(key, ScalarNode) and str(key.value) == str(part):
                return _Found(key, value, missing=False)
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return _Found(None, node.value[part], missing=False)
    return None


def _mappings(node: Node | None, seen: set[int]) -> Iterator[MappingNode]:
    if node is None or id(node) in seen:
        return
    seen.add(id(node))  # an alias may lead back to where we are
    if isinstance(node, MappingNode):
        yield node
        for _, value in node.value:
            yield from _mappings(value, seen)
    if isinstance(node, SequenceNode):
        for item in node.value:
            yield from _mappings(item, seen)


def _decode(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError([Problem(path, 1, 1, f"cannot be read: {error.strerror}")]) from error
    if len(raw) > LARGEST:
        raise ConfigError([Problem(path, 1, 1, "the file is larger than 1 MiB")])
    try:
        return raw.decode("utf-8").removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        line, column = end_of(raw[: error.start].decode("utf-8").removeprefix(BYTE_ORDER_MARK))
        lines = bare_lines(raw.decode("utf-8", errors="replace").removeprefix(BYTE_ORDER_MARK))
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        hint = "save the file in the encoding UTF-8"
        place = _place(path, lines, line, column, 1, message, hint)
        raise ConfigError([place]) from error


def _place(
    path: Path,
    lines: list[str],
    line: int,
    column: int,
    width: int,
    message: str,
    hint: str | None = None,
) -> Problem:
    """A problem at a place counted from 0; one after the last line moves back to its end."""
    message = clip(message, LONGEST_SAID)
    while line >= len(lines) > 0 or (0 < line < len(lines) and not lines[line].strip()):
        line -= 1
        column = len(lines[line])
    column, width = column + 1, max(width, 1)
    source, width = _shown(lines, line, column, width)
    message = complaints.without_secrets(message)
    hint = complaints.without_secrets(hint) if hint else hint
    return Problem(path, line + 1, column, message, hint, source, width)


def _shown(lines: list[str], line: int, column: int, width: int) -> tuple[str, int]:
    """The line at fault and how much of it the caret marks; without a secret, and then the
    caret marks one character. No line where it is too long, or holds part of a longer secret."""
    source = lines[line].replace("\t", " ") if lines else ""  # a caret cannot follow a tab
    if not source or len(source) > LONGEST_SHOWN:
        return "", width
    clean = complaints.without_secrets(source)
    if clean != source:
        return (clean, 1) if clean[: column - 1] == source[: column - 1] else ("", width)
    return (source, width) if source in _harmless("\n".join(lines)) else ("", width)


@lru_cache(maxsize=1)
def _harmless(text: str) -> frozenset[str]:
    """The lines of a file in which there is no part of a secret, as they are shown."""
    kept = complaints.without_secrets(text).splitlines()
    return frozenset(line.replace("\t", " ") for line in kept)
