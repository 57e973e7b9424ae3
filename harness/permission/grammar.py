"""Two other readers of the same text. Where one of them sees something else, nothing is run.

tree-sitter-bash reads the whole language, shlex knows quotes. Neither decides what a text
means; they only find the texts of which that is not plain.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from harness.permission.scanner import Operator, Token
from harness.permission.script import Simple, Unsafe, Word

Spot = tuple[str, int, int]  # what stands there, from where, to where; in bytes
JOINTS = {"|", "&&", "||"}
PARTS = {"word", "string", "raw_string", "concatenation", "number", "test_operator"}
INNER = {"program", "list", "pipeline", "command", "redirected_statement", "command_name"}
ENDS = {";", "\n"}


def agree(text: str, tokens: Sequence[Token], commands: Iterable[Simple]) -> None:
    """Raises Unsafe when another reader takes the text for something else."""
    tree = _parser().parse(text.encode())
    if tree.root_node.has_error:
        raise Unsafe("the text does not parse", hint="check quotes and operators")
    if sorted(_seen(tree.root_node)) != sorted(_meant(text, tokens)):
        raise _ambiguous()
    for command in commands:
        _split_alike(text, command)


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bash.language()))


def _seen(root: Node) -> Iterator[Spot]:
    """The words, joints and redirects of the tree."""
    stack = [root]
    while stack:
        node = stack.pop()
        kind = node.type
        if kind in PARTS:
            yield "word", node.start_byte, node.end_byte
        elif kind == "file_redirect":
            yield "redirect", node.start_byte, node.end_byte
        elif kind in JOINTS:
            yield kind, node.start_byte, node.end_byte
        elif kind in INNER:
            stack.extend(node.children)
        elif kind not in ENDS:
            raise Unsafe(f"this is not run here: {kind.replace('_', ' ')}", hint=PLAINLY)


def _meant(text: str, tokens: Sequence[Token]) -> Iterator[Spot]:
    """The same of the scanner's tokens."""
    offsets = _byte_offsets(text)
    led: Operator | None = None
    for token in tokens:
        if isinstance(token, Word) and led is not None:
            yield "redirect", offsets[led.start], offsets[token.end]
            led = None
        elif isinstance(token, Word):
            yield "word", offsets[token.start], offsets[token.end]
        elif token.text in JOINTS:
            yield token.text, offsets[token.start], offsets[token.start + len(token.text)]
        elif token.text == "2>&1":
            yield "redirect", offsets[token.start], offsets[token.start + 4]
        elif token.text not in ENDS:
            led = token


def _byte_offsets(text: str) -> Sequence[int]:
    """For every place between two characters the place between two bytes."""
    if text.isascii():
        return range(len(text) + 1)
    offsets = [0]
    for char in text:
        offsets.append(offsets[-1] + len(char.encode()))
    return offsets


def _split_alike(text: str, command: Simple) -> None:
    piece = text[command.words[0].start : command.words[-1].end]
    try:
        words = shlex.split(piece)
    except ValueError:
        raise _ambiguous() from None
    if tuple(words) != command.argv:
        raise _ambiguous()


def _ambiguous() -> Unsafe:
    return Unsafe("the text can be read in more than one way", hint=PLAINLY)


PLAINLY = "write plain words; put single quotes round what has special characters"
