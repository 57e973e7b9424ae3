"""What the house's own work may spend on language models in one run, and what it has spent."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.bus.port import Result
from harness.models.port import ChatRequest, Reply, estimate_prompt
from harness.session.tally import Tally

NO_MODEL = "none"  # the name of what answered when nothing was asked, or nothing did


@dataclass
class Purse:
    """Tokens over all calls of one run, counted as the models count them."""

    limit: int
    tally: Tally = field(default_factory=Tally)
    calls: int = 0
    did_without: str = ""  # why something was worded without a model, if anything was

    @property
    def left(self) -> int:
        return max(self.limit - self.tally.prompt - self.tally.completion, 0)

    def affords(self, request: ChatRequest) -> bool:
        """Whether the prompt and the longest reply to it are still within the limit."""
        return estimate_prompt(request) + (request.max_tokens or 0) <= self.left

    def pay(self, reply: Reply) -> None:
        self.calls += 1
        self.tally.count(reply)

    def result(self, text: str) -> Result:
        """The answer of the run, which says by itself when a model was missed."""
        tally = self.tally
        if self.did_without:
            tally.degraded = True
            text = text and f"> Degraded: {self.did_without}.\n\n{text}"
        tally.model = tally.model or (NO_MODEL if self.did_without else "")
        return tally.result(text, steps=self.calls)
