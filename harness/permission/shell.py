"""Shell text from a model: parsed only to be refused, or to be run as programs without a shell.

`parse` takes simple commands, joined by `|`, `&&`, `||`, `;` and line ends, and a few redirects.
Whatever a shell would still do to them is refused, with a reason that a model can act on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness.permission.builtins import why_builtin
from harness.permission.grammar import agree
from harness.permission.scanner import Operator, Token, scan
from harness.permission.script import Redirect, Script, Simple, Step, Unsafe, Word
from harness.text.invisible import visible

__all__ = ["Redirect", "Script", "Simple", "Step", "Unsafe", "Word", "parse"]

MAX_CHARS = 8_000
MAX_COMMANDS = 50
_ASSIGNMENT = re.compile(r"\w+(\[[^\]]*\])?\+?=", re.ASCII)


def parse(text: str) -> Script:
    """The programs that `text` runs, in order. Raises Unsafe, and nothing else."""
    _refuse_characters(text)
    tokens = scan(text)
    script = Script(tuple(_steps(tokens)))
    if not script.steps:
        raise Unsafe("there is nothing to run")
    if len(script.commands) > MAX_COMMANDS:
        raise Unsafe(f"more than {MAX_COMMANDS} commands in one text", hint="run them in parts")
    agree(text, tokens, script.commands)
    return script


def _refuse_characters(text: str) -> None:
    if len(text) > MAX_CHARS:
        raise Unsafe(f"the text is longer than {MAX_CHARS:,} characters", hint="run it in parts")
    if visible(text) != text:
        hint = "type it again in plain characters, with line feeds at line ends"
        raise Unsafe("there are invisible or control characters in the text", hint=hint)


def _steps(tokens: Sequence[Token]) -> Iterable[Step]:
    """Pipelines with what joins them; a line that ends in an operator goes on in the next."""
    joined = ";"
    pipeline, piece = list[Simple](), list[Token]()
    for token in (*tokens, Operator("\n", -1)):
        if not _is_joint(token):
            piece.append(token)
        elif piece:
            pipeline.append(_simple(piece))
            piece = []
            if token.text != "|":
                yield Step(joined, tuple(pipeline))
                joined, pipeline = token.text.replace("\n", ";"), []
        elif token.text != "\n":
            raise Unsafe(f"there is no command before `{token.text}`")
    if pipeline or joined != ";":
        raise Unsafe("there is no command after the last operator")


def _is_joint(token: Token) -> bool:
    return isinstance(token, Operator) and token.text in {"|", "&&", "||", ";", "\n"}


def _simple(piece: Sequence[Token]) -> Simple:
    """One command: its words first, then its redirects."""
    words = [token for token in piece if isinstance(token, Word)]
    count = next((n for n, token in enumerate(piece) if isinstance(token, Operator)), len(piece))
    if not count:
        raise Unsafe("a redirect stands before its command", hint="write `command > file`")
    _refuse_name(words[0])
    return Simple(tuple(words[:count]), tuple(_redirects(piece[count:])))


def _refuse_name(word: Word) -> None:
    if _ASSIGNMENT.match(word.text):
        as_values = "give values as arguments of the program"
        raise Unsafe(f"variables are not set here: {word.text}", hint=as_values)
    if hint := why_builtin(word.text):
        raise Unsafe(f"`{word.text}` is part of a shell, and there is none", hint=hint)
    if word.pattern or not word.text:
        raise Unsafe("the name of the program must be plain", hint="write its name out")


def _redirects(piece: Sequence[Token]) -> Iterable[Redirect]:
    rest = list(piece)
    while rest:
        operator = rest.pop(0)
        if isinstance(operator, Word):
            raise Unsafe("a word stands after a redirect", hint="write redirects last")
        if operator.text == "2>&1":
            yield Redirect(2, ">&", "1")
        else:
            yield from _to_file(operator, rest.pop(0) if rest else None)


def _to_file(operator: Operator, target: Token | None) -> Iterable[Redirect]:
    if not isinstance(target, Word) or target.pattern or not target.text:
        raise Unsafe(f"`{operator.text}` needs the plain name of one file")
    mode = operator.text.removeprefix("&")
    if mode == "<" and operator.stream > 0:
        raise Unsafe(f"stream {operator.stream} is not read from")
    if mode != "<" and operator.stream == 0:
        raise Unsafe("stream 0 is not written to")
    default = 0 if mode == "<" else 1
    yield Redirect(default if operator.stream < 0 else operator.stream, mode, target.text)
    if operator.text.startswith("&"):
        yield Redirect(2, ">&", "1")
