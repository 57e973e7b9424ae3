"""What a shell text comes to: words and redirects, and nothing that a shell would add."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from harness.errors import HarnessError

NOWHERE = "/dev/null"


class Unsafe(HarnessError):
    """A shell text that is not run, with the reason; the hint says how else to do it."""


@dataclass(frozen=True)
class Word:
    """One word after its quotes are removed."""

    text: str
    quoted: bool = False  # some of it was quoted or escaped
    pattern: str | None = None  # for `glob`, when an unquoted * ? or [ is to be expanded
    start: int = 0  # where it stands in the text, in characters
    end: int = 0


@dataclass(frozen=True)
class Redirect:
    """One stream led elsewhere. `&> x` is two of them: 1 to x, then 2 to where 1 goes."""

    stream: int  # 0, 1 or 2
    mode: str  # `<`, `>`, `>>`, or `>&` when stream 2 goes where 1 goes
    target: str  # a path as given; `1` for `>&`

    @property
    def harmless(self) -> bool:
        return self.mode == ">&" or self.target == NOWHERE


@dataclass(frozen=True)
class Simple:
    """One program with its arguments."""

    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...] = ()

    @classmethod
    def of(cls, argv: Iterable[str]) -> Simple:
        """A command whose words are all literal."""
        return cls(tuple(Word(text, quoted=True) for text in argv))

    @cached_property
    def argv(self) -> tuple[str, ...]:
        return tuple(word.text for word in self.words)

    @property
    def name(self) -> str:
        return self.words[0].text


@dataclass(frozen=True)
class Step:
    """A pipeline, and what joins it to the one before."""

    joined: str  # `;` always, `&&` when that one succeeded, `||` when it failed
    pipeline: tuple[Simple, ...]


@dataclass(frozen=True)
class Script:
    """Pipelines in the order in which they run."""

    steps: tuple[Step, ...]

    @property
    def commands(self) -> tuple[Simple, ...]:
        return tuple(command for step in self.steps for command in step.pipeline)
