"""What the house tells a person of its own work: news under headings, and nothing without news."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

MOST = 20  # lines under one heading


class About(StrEnum):
    """The headings, in their order."""

    URGENT = "Needs you"  # rules that help nowhere
    LEARNED = "New rules"
    REPLACED = "Replaced rules"
    STRUCK = "Removed by hand"
    PROPOSED = "Proposals"
    UNHELPFUL = "Rules that do not help"
    REFUSED = "Not made a rule"
    FITTED = "Made shorter"
    PUT_AWAY = "Put away"
    ON_THE_WAY = "On the way"
    TROUBLE = "Went wrong"


SMALL = (About.ON_THE_WAY,)  # told beside news, and no news by itself


@dataclass
class Report:
    """Lines for a person, gathered while the work goes on."""

    asked: bool = False  # a person wants to know: small things are told alone, too
    lines: dict[About, list[str]] = field(default_factory=dict)

    def tell(self, about: About, line: str) -> None:
        """Once each: a run that does two chores may come across a thing twice."""
        told = self.lines.setdefault(about, [])
        if line not in told:
            told.append(line)

    @property
    def whole(self) -> bool:
        """Whether nothing went wrong."""
        return not self.lines.get(About.TROUBLE)

    @property
    def text(self) -> str:
        """As Markdown; empty when there is nothing to tell."""
        if not self.asked and set(self.lines) <= set(SMALL):
            return ""
        return "\n\n".join(
            f"## {about}\n\n{listed(self.lines[about])}" for about in About if about in self.lines
        )


def listed(lines: list[str]) -> str:
    more = len(lines) - MOST
    rest = [f"- and {more} more"] if more > 0 else []
    return "\n".join([*(f"- {line}" for line in lines[:MOST]), *rest])
