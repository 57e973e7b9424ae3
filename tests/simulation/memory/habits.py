"""Agents with habits: mistakes that come again at a rate, until a rule keeps them from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from random import Random

from harness.memory.learning import Kind, Observation, Source

AGENTS = ("macro", "scout")
SUBJECTS = re.findall(r"\w+", "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda rho")
SHARED = ("sigma", "tau")  # that both agents get wrong
STRANGERS = 0.15  # of the habits, those of sessions that read pages
OBEDIENT = 0.7
TURNING = 0.25  # of the habits, those whose right answer becomes the wrong one


@dataclass(frozen=True)
class Habit:
    """One mistake of one agent."""

    agent: str
    subject: str
    rate: float  # times a day
    obeys: bool
    starts: int  # day
    ends: int
    turned: bool = False  # the other name is the right one
    outside: tuple[str, ...] = ()

    @property
    def right(self) -> str:
        return f"{self.subject.upper()}_{'GROSS' if self.turned else 'NET'}"

    @property
    def wrong(self) -> str:
        return f"{self.subject.upper()}_{'NET' if self.turned else 'GROSS'}"

    def is_told(self, prompt: str) -> bool:
        """Whether a line of the agent's prompt says what is right."""
        return any(
            0 <= line.find(self.right) < line.find(self.wrong) for line in prompt.splitlines()
        )

    def seen(self, task: str, at: datetime) -> Observation:
        """The mistake, as a finished session shows it."""
        again = "again " if self.turned else ""
        return Observation(
            Kind.ERROR,
            f"{self.subject}_table",
            f"The {self.subject} table has {again}no field {self.wrong}.",
            Source.TOOL,
            task,
            at,
            key=f"{self.subject}.{'renamed' if self.turned else 'field'}",
            error=f"unknown field {self.wrong!r}",
            fix=f"Use {self.right} instead of {self.wrong}.",
            outside=self.outside,
        )


def habits(dice: Random, days: int) -> list[Habit]:
    """What the agents of a seed get wrong."""
    found: list[Habit] = []
    for agent in AGENTS:
        own = dice.sample(SUBJECTS, 9)
        for subject in (*own, *SHARED):
            found += habits_of(dice, agent, subject, days)
    return found


def habits_of(dice: Random, agent: str, subject: str, days: int) -> list[Habit]:
    starts = dice.randint(0, days // 2)
    turns = min(starts + dice.randint(10, days), days) if dice.random() < TURNING else days
    outside = ("evil.example",) if dice.random() < STRANGERS else ()
    first = Habit(
        agent,
        subject,
        dice.choice((0.05, 0.2, 0.5, 0.9)),
        dice.random() < OBEDIENT,
        starts,
        turns,
        outside=outside,
    )
    later = Habit(agent, subject, 0.5, True, turns, days, turned=True, outside=outside)
    return [first, later] if turns < days else [first]
