"""What `harness status` says of the memory: lessons that are open, and what waits for a word."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from harness.cli.output import counted
from harness.cli.proposed import proposals_of
from harness.cli.remembering import known_agents
from harness.config.home import Home
from harness.memory.lessons.tally import open_lessons
from harness.memory.skills.proposals import proposals


@dataclass(frozen=True)
class Learned:
    """Counts, and nothing that takes long: whether a lesson is ready, the night decides."""

    open: int  # lessons that are no rule and not settled
    proposals: int  # for the team, that wait for the person
    skills: int  # proposed, that wait for the person

    @property
    def shape(self) -> dict[str, int]:
        return asdict(self)

    @property
    def line(self) -> str | None:
        """None when there is nothing to tell."""
        parts = [f"{counted(self.open, 'open lesson')}: harness memory learnings"]
        if self.proposals:
            waiting = counted(self.proposals, "proposal")
            parts.append(f"{waiting} for you: harness memory proposals")
        if self.skills:
            parts.append(f"{counted(self.skills, 'proposed skill')}: harness skills list")
        told = parts if self.open else parts[1:]
        return "; ".join(told) or None


def learned(home: Home) -> Learned:
    return Learned(
        open=sum(open_lessons(home, agent) for agent in known_agents(home)),
        proposals=len(proposals_of(home).waiting()),
        skills=len(proposals(home)),
    )
