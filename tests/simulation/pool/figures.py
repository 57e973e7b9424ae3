"""What a run of days came to, for a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from harness.models.limits.amount import Amount


@dataclass(frozen=True)
class Figures:
    """Counts of one seed; times are seconds."""

    tasks: int
    dead: int
    calls: int
    done: int
    loads: int
    late_loads: int  # that a call had to make by itself
    longest_wait: float  # while all was well
    urgent: int
    urgent_queue: float  # seconds in line of P0, on average
    beyond: Amount
    outcomes: Counter[str]

    @property
    def text(self) -> str:
        return (
            f"{self.tasks} tasks ({self.dead} dead), {self.calls} calls ({self.done} answered),"
            f" {self.loads} loads and {self.late_loads} by calls; longest wait"
            f" {self.longest_wait:.1f} s, {self.urgent} P0 waited {self.urgent_queue:.2f} s;"
            f" {self.beyond.tokens} tokens beyond; {dict(self.outcomes)}"
        )
