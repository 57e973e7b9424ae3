"""What a session has used up, for its result."""

from __future__ import annotations

from dataclasses import dataclass

from harness.bus.port import Result
from harness.models.port import Reply


@dataclass
class Tally:
    """Tokens of every call of the model, sums it made for itself included."""

    prompt: int = 0
    completion: int = 0
    model: str = ""  # what served last
    degraded: bool = False  # whether anything less than the wanted model ever served
    because: str = ""  # why that was, as far as it was told

    def count(self, reply: Reply) -> None:
        self.prompt += reply.usage.prompt
        self.completion += reply.usage.completion
        self.model = reply.model
        self.degraded = self.degraded or reply.degraded
        self.because = reply.because or self.because

    @property
    def notice(self) -> str:
        """For a person: that something less than the wanted model served, and why."""
        return f"degraded, {self.because}" if self.because else ""

    def result(self, text: str, steps: int) -> Result:
        """`steps`: turns plus tool calls."""
        return Result(
            text=text,
            tokens={"prompt": self.prompt, "completion": self.completion},
            model=self.model,
            steps=steps,
            degraded=self.degraded,
        )
