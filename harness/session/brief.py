"""What a session is handed: the work, and how far it may go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.models.port import ToolCall, ToolSpec
from harness.session.steps import Steps
from harness.tools.tool import ToolResult

Contract = Callable[[str], Sequence[str]]  # the answer in; what is wrong with it out


class Hands(Protocol):
    """What a session needs of a toolbox."""

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The tools as the model sees them; the same throughout a session."""
        ...

    async def call(self, call: ToolCall) -> ToolResult:
        """Do it. A failure is a result with `ok=False`; only cancelling raises."""
        ...

    def recall(self, call: ToolCall, result: ToolResult) -> None:
        """A call that an earlier attempt made, and its result, are read again."""
        ...

    def hear(self, sender: str, text: str) -> None:
        """A note was read."""
        ...

    def is_parallel(self, name: str) -> bool:
        """Whether calls of this tool may run beside others of the same turn."""
        ...


@dataclass(frozen=True)
class Limits:
    """How far one session may go."""

    max_turns: int = 20  # questions to the model; the one that sums up comes on top
    tokens: int = 400_000  # prompt and completion of all turns together
    timeout: float = 1200.0  # seconds, for everything
    compact_at: float = 0.75  # share of the model's context at which to make room
    keep_results: int = 4  # newest tool results that making room leaves alone
    result_share: float = 0.4  # of the context, for the tool results of one turn together


def anything_goes(answer: str) -> Sequence[str]:
    """The contract of an agent that has none."""
    return ()


@dataclass(frozen=True)
class Brief:
    """One piece of work: `prompt.compose` makes the two texts."""

    task: str
    agent: str
    system: str  # the static part, byte-identical from turn to turn
    opening: str  # the task
    attempt: int = 1
    limits: Limits = Limits()
    contract: Contract = anything_goes
    past: Steps = ()  # of the attempt that waited for a person: the session goes on after them
