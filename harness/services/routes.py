"""What the files of a home say about requests that name nobody; decides what needs no model."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from harness.bus.routed import Decision, How
from harness.config.profile import Profile
from harness.config.settings import RouterSettings
from harness.text.addressing import Claim, addressed, best

UNSURE = RouterSettings().unsure  # who is asked in doubt where the settings name nobody else


@dataclass(frozen=True)
class Routes:
    """The agents of a home, what they claim, and who is asked in doubt."""

    agents: Collection[str]  # with a file
    rules: tuple[Claim, ...]  # of harness.yaml
    claims: tuple[Claim, ...]  # of the profiles
    unsure: str

    @classmethod
    def of(
        cls, settings: RouterSettings, profiles: Iterable[Profile], agents: Collection[str]
    ) -> Routes:
        """`agents` may be more than those whose profiles can be read just now."""
        return cls(
            agents,
            tuple(Claim(rule.agent, tuple(rule.words)) for rule in settings.rules),
            tuple(Claim(each.name, tuple(each.front.routes)) for each in profiles),
            in_doubt(settings.unsure, agents),
        )

    def decide(self, text: str) -> Decision | None:
        """Whose a request is: the agent that it begins with, else the one whose rule has most of
        its words, else the one whose profile has. None when that leaves it open."""
        name = addressed(text)
        if name is not None and name in self.agents:
            return Decision(name, How.NAMED, "the request begins with the name")
        for how, claims in ((How.RULE, self.rules), (How.WORDS, self.claims)):
            if found := best(text, claims, self.agents):
                return Decision(found.agent, how, ", ".join(found.phrases))
        return None


def in_doubt(wanted: str, agents: Collection[str]) -> str:
    """Who is asked in doubt: whom the settings name, else the default, else the first of the
    crew; where there is no crew at all, whom the settings name."""
    there = (name for name in (wanted, UNSURE, *sorted(agents)) if name in agents)
    return next(there, wanted)
