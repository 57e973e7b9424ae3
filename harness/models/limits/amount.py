"""What a call takes of the day: tokens, time of a GPU, money."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.config.settings import Price

MILLION = 1_000_000  # tokens that a price is for


class Kind(StrEnum):
    """What there can be a limit of."""

    TOKENS = "tokens"
    GPU = "gpu"  # seconds
    MONEY = "money"  # in the currency of the prices


@dataclass(frozen=True)
class Amount:
    """So much of each kind."""

    tokens: int = 0  # prompt and completion
    gpu: float = 0.0  # seconds
    money: float = 0.0

    def of(self, kind: Kind) -> float:
        return float(getattr(self, kind))

    def at_least(self, other: Amount) -> Amount:
        """Of each kind the larger."""
        return Amount(
            max(self.tokens, other.tokens),
            max(self.gpu, other.gpu),
            max(self.money, other.money),
        )

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.tokens + other.tokens, self.gpu + other.gpu, self.money + other.money)

    def __sub__(self, other: Amount) -> Amount:
        return self + other * -1

    def __mul__(self, times: int) -> Amount:
        return Amount(self.tokens * times, self.gpu * times, self.money * times)


@dataclass(frozen=True)
class Rate:
    """What one token takes, read or written."""

    prompt: Amount
    completion: Amount

    @classmethod
    def of(
        cls,
        price: Price | None,
        prompt_s: float = 0.0,
        completion_s: float = 0.0,
        *,
        counts: bool = True,
    ) -> Rate:
        """The rate at a price for a million tokens, and at so many seconds for a token, which is
        one unless tokens do not count."""
        read, written = (price.prompt, price.completion) if price else (0.0, 0.0)
        one = int(counts)
        return cls(
            Amount(one, prompt_s, read / MILLION), Amount(one, completion_s, written / MILLION)
        )

    def cost(self, prompt: int, completion: int) -> Amount:
        return self.prompt * prompt + self.completion * completion

    def touches(self, kind: Kind) -> bool:
        """Whether a call at this rate takes anything of the kind."""
        return self.prompt.of(kind) > 0 or self.completion.of(kind) > 0

    def answer_within(self, room: float, prompt: int, kind: Kind) -> float:
        """How many tokens may be written behind such a prompt; below zero: not even it fits."""
        left = room - (self.prompt * prompt).of(kind)
        each = self.completion.of(kind)
        if left < 0 or each == 0:
            return math.inf if left >= 0 else -1
        return left // each
