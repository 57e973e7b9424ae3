"""How a model counts tokens, learned from its replies: our estimate knows only characters."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt

WIDEST = 0.35  # the estimate is off by a quarter either way for most text, and a little more
NARROWEST = 0.08  # one conversation may hold prose, code and tables: each has its own ratio
SIGMAS = 3.0
FEW = 3  # replies, before which the spread says nothing
MEMORY = 0.1  # weight of the newest reply
SMALLEST = 200  # tokens: of less, what the template adds is too large a part


@dataclass
class Gauge:
    """For one model. `ratio` is what it counts for each token that we estimate; `margin` the
    share by which a corrected estimate may still be off."""

    ratio: float = 1.0
    margin: float = WIDEST
    seen: int = 0
    _variance: float = 0.0

    def corrected(self, estimate: int) -> int:
        """The tokens that the model will count, as well as is known."""
        return round(estimate * self.ratio)

    def least(self, estimate: int) -> int:
        """Fewer than this it will hardly count: then something of the prompt was not read."""
        return round(estimate * self.ratio * (1 - self.margin))

    def most(self, estimate: int) -> int:
        """More than this it will hardly count."""
        return round(estimate * self.ratio * (1 + self.margin))

    def learn(self, estimate: int, counted: int) -> None:
        """Take in what the model counted for a whole prompt; never for one that was cut."""
        if estimate < SMALLEST or counted <= 0:
            return
        self.seen += 1
        step = log(counted / estimate) - log(self.ratio)
        share = max(MEMORY, 1 / self.seen)  # the plain mean at first
        self.ratio = exp(log(self.ratio) + share * step)
        self._variance = (1 - share) * (self._variance + share * step * step)
        if self.seen >= FEW:
            spread = SIGMAS * sqrt(self._variance)
            self.margin = min(max(spread, NARROWEST), WIDEST)
