"""The circuit breaker: a pure state that says when a session goes nowhere."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from itertools import pairwise

from harness.models.port import ToolCall, Usage
from harness.session.brief import Limits
from harness.session.steps import Reason
from harness.session.stop import Stop
from harness.tools.tool import ToolResult

ROUNDS = 3  # so often the same calls with the same results are a circle
LONGEST_CIRCLE = 3  # calls in one round: A A A, A B A B A B, A B C A B C A B C
FAILURES = 5  # failed calls in a row, over at least two turns: the model saw some and went on
BUDGET_SHARE = 0.9  # of the token budget: what is left pays for summing up
LAST_WORDS = 512  # tokens of what asks to sum up and of the answer, or a tenth of a small budget
SHORTEST = 256  # tokens of an answer that is worth a turn, or a fortieth of a small budget


@dataclass(frozen=True)
class Tried:
    """One call with its result, as a mark to compare."""

    turn: int
    mark: str
    name: str
    ok: bool


@dataclass(frozen=True)
class Breaker:
    """What a session did so far, as far as its rules need it."""

    turns: int = 0
    tokens: int = 0
    trail: tuple[Tried, ...] = ()  # the newest calls

    def began(self) -> Breaker:
        """One more turn."""
        return replace(self, turns=self.turns + 1)

    def spent(self, usage: Usage) -> Breaker:
        """The model was asked, for a turn or for a summary."""
        return replace(self, tokens=self.tokens + usage.prompt + usage.completion)

    def tried(self, call: ToolCall, result: ToolResult) -> Breaker:
        """A call of the latest reply has its result."""
        tried = Tried(self.turns, mark(call, result), call.name, result.ok)
        if self._repeats_within_turn(tried):
            return self
        return replace(self, trail=(*self.trail, tried)[-ROUNDS * LONGEST_CIRCLE :])

    def verdict(self, limits: Limits, next_prompt: int) -> Stop | None:
        """Why there must be no further ordinary turn, if so.

        `next_prompt` is the estimated size of the next prompt in tokens: a turn begins
        only if it and the one that sums up still fit into the budget.
        """
        if circle := self.circle():
            return Stop(Reason.BREAKER, f"the same calls with the same results: {circle}")
        if self._only_failures():
            return Stop(Reason.BREAKER, f"{FAILURES} calls in a row failed")
        if self.turns >= limits.max_turns:
            return Stop(Reason.MAX_TURNS, f"all {limits.max_turns} turns are used")
        if self.tokens > BUDGET_SHARE * limits.tokens or (
            self.room(limits, next_prompt) < min(SHORTEST, limits.tokens // 40)
        ):
            spent = f"{self.tokens} of {limits.tokens} tokens are spent"
            return Stop(Reason.BUDGET, f"{spent}, and the next prompt takes {next_prompt}")
        return None

    def left(self, limits: Limits) -> int:
        """Tokens of the budget that nothing was spent on."""
        return limits.tokens - self.tokens

    def room(self, limits: Limits, prompt: int) -> int:
        """Tokens that the answer of an ordinary turn may have. After it the prompt, longer by that
        answer, must fit once more, and the words that sum up."""
        return (self.left_beside(limits, prompt) - prompt) // 2

    def left_beside(self, limits: Limits, prompt: int) -> int:
        """Tokens that are left when a prompt of that size has been summed up."""
        return self.left(limits) - prompt - min(LAST_WORDS, limits.tokens // 10)

    def circle(self) -> str | None:
        """The names of the calls that go round and round, or None."""
        for length in range(1, LONGEST_CIRCLE + 1):
            newest = [tried.mark for tried in self.trail[-ROUNDS * length :]]
            if len(newest) == ROUNDS * length and newest == newest[:length] * ROUNDS:
                return ", ".join(tried.name for tried in self.trail[-length:])
        return None

    def _only_failures(self) -> bool:
        newest = self.trail[-FAILURES:]
        several_turns = any(left.turn != right.turn for left, right in pairwise(newest))
        return len(newest) == FAILURES and several_turns and not any(t.ok for t in newest)

    def _repeats_within_turn(self, tried: Tried) -> bool:
        """Asking the same twice in one breath is waste, not a circle: nothing was seen yet."""
        return any(old.turn == tried.turn and old.mark == tried.mark for old in self.trail)


def mark(call: ToolCall, result: ToolResult) -> str:
    """Equal for the same tool with the same arguments and the same result."""
    arguments = json.dumps(call.arguments, sort_keys=True, default=str)
    text = f"{call.name}\0{arguments}\0{result.ok}\0{result.text}"
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
