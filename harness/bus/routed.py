"""A request that names nobody, and the decision whose it is.

It waits in a lane of its own, whose name no agent can have. The decision moves it to the lane of
the agent chosen, and stays in its payload: lists and counts read it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

LANE = "@router"  # lane and addressee until it is decided
KEY = "routed"  # of the payload


class How(StrEnum):
    """By what a request got its agent."""

    NAMED = "named"  # it begins with the name
    RULE = "rule"  # a rule of harness.yaml
    WORDS = "words"  # words that a profile claims
    MODEL = "model"  # a language model chose
    UNSURE = "unsure"  # nothing of this: whoever is asked in doubt


@dataclass(frozen=True)
class Decision:
    """Whose a request is, and why."""

    agent: str
    how: How
    why: str  # the words that were found, the model that chose, or the kind of doubt
    detail: str = ""  # for the log: what went wrong

    @property
    def told(self) -> str:
        """The decision for a person, in one line."""
        why = f"{self.why}: {self.detail}" if self.detail else self.why
        return f"to {self.agent} ({self.how}: {why})"

    @property
    def payload(self) -> dict[str, Any]:
        return {KEY: {"how": self.how.value, "why": self.why}}


def decided(agent: str, payload: Mapping[str, Any]) -> Decision | None:
    """The decision that brought a task to its agent; None for one that named him or waits."""
    made = payload.get(KEY)
    return Decision(agent, How(made["how"]), made["why"]) if made else None
