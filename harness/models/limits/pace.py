"""What a model's latest calls say of its next one: how long its answers are, and how fast."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

REMEMBERED = 32  # calls
FIRST_SAFETY = 1.35  # an estimate of a prompt is off by a quarter either way for most text
LARGEST_SAFETY = 2.0
FIRST_ANSWER = 1024  # tokens, as long as little is known
SHORTEST_ANSWER = 256  # tokens; a call is not begun for less
LONGER = 1.5  # times the longest answer seen
ENOUGH = 3  # calls, to say something of the longest
FIRST_PROMPT_SECONDS = 1 / 500  # for a token
FIRST_ANSWER_SECONDS = 1 / 20


@dataclass(frozen=True)
class Seen:
    """One call as it was."""

    estimate: int  # tokens of the prompt, before the call
    prompt: int  # and as they were counted; 0: nobody counted
    completion: int
    prompt_s: float  # 0: nobody measured
    completion_s: float


@dataclass
class Pace:
    """The latest calls of one model."""

    calls: deque[Seen] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def saw(self, seen: Seen) -> None:
        self.calls.append(seen)

    def prompt(self, estimate: int) -> int:
        """The tokens to hold for a prompt: its estimate times what estimates were off by."""
        off = [seen.prompt / seen.estimate for seen in self.calls if seen.prompt and seen.estimate]
        safety = min(max(*off, 1.0), LARGEST_SAFETY) if len(off) >= ENOUGH else FIRST_SAFETY
        return math.ceil(estimate * safety)

    @property
    def answer(self) -> int:
        """The tokens within which an answer surely ends, by what was seen."""
        if len(self.calls) < ENOUGH:
            return FIRST_ANSWER
        longest = max(seen.completion for seen in self.calls)
        return max(math.ceil(longest * LONGER), SHORTEST_ANSWER)

    @property
    def prompt_s(self) -> float:
        """Seconds for a token that is read."""
        timed = [seen for seen in self.calls if seen.prompt_s > 0]
        tokens = sum(seen.prompt or seen.estimate for seen in timed)
        return sum(seen.prompt_s for seen in timed) / tokens if tokens else FIRST_PROMPT_SECONDS

    @property
    def completion_s(self) -> float:
        """Seconds for a token that is written."""
        timed = [seen for seen in self.calls if seen.completion and seen.completion_s > 0]
        tokens = sum(seen.completion for seen in timed)
        return sum(seen.completion_s for seen in timed) / tokens if tokens else FIRST_ANSWER_SECONDS
