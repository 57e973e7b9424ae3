"""How a model counts tokens, learned from its replies: our estimate knows only characters."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt

WIDEST = 0.26  # the estimate is off by a quarter either way for most text
NARROWEST = 0.08  # one conversation may hold prose, code and tables: each has its own ratio
SIGMAS = 3.0
FEW = 3  # replies, before which the spread says nothing
MEMORY = 0.1  # weight of the newest reply
FARTHEST = 8  # times more or less than the estimate: past that nobody counted this prompt
SMALLEST = 200  # tokens: of less, what the template adds is too large a part
HALF = 0.5  # of what was sent: so little is read only where the rest was cut away
MISSED = 0.2  # the least part that is missed
NEARLY_FULL = 0.8  # of the context: a prompt that is shorter was not cut
BRIM_FULL = 0.9  # of the context: a prompt that was cut fills as much


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
        """Fewer than this it will hardly count."""
        return round(estimate * self.ratio * (1 - self.margin))

    def cannot_fit(self, estimate: int, num_ctx: int) -> bool:
        """Whether a prompt is too long for that context past doubt."""
        return self.least(estimate) > num_ctx

    def was_cut(self, estimate: int, counted: int, num_ctx: int) -> bool:
        """Whether a server that counted so little read only a part of the prompt.

        Servers that know `truncate: false` refuse what does not fit; older ones drop messages
        without a word. The signs, all for a prompt that may have been too long: half of it is
        missing; a fifth is, of a model whose way of counting is known; or it fills the context to
        the brim. Where such a prompt did just fit, a compaction is made too early. What is cut
        without any of these signs is not seen.
        """
        likely = self.corrected(estimate)
        half_gone = likely > num_ctx * NEARLY_FULL and counted < likely * HALF
        too_few = counted < likely * (1 - max(self.margin, MISSED))
        missing = self.seen >= FEW and likely * (1 + self.margin) > num_ctx and too_few
        filled = likely > num_ctx and num_ctx * BRIM_FULL < counted <= num_ctx
        return half_gone or missing or filled

    def learn(self, estimate: int, counted: int) -> None:
        """Take in what the model counted for a whole prompt; never for one that was cut."""
        if estimate < SMALLEST or not estimate / FARTHEST <= counted <= estimate * FARTHEST:
            return
        self.seen += 1
        step = log(counted / estimate) - log(self.ratio)
        share = max(MEMORY, 1 / self.seen)  # the plain mean at first
        self.ratio = exp(log(self.ratio) + share * step)
        self._variance = (1 - share) * (self._variance + share * step * step)
        if self.seen >= FEW:
            spread = SIGMAS * sqrt(self._variance)
            self.margin = min(max(spread, NARROWEST), WIDEST)
