"""Skill ideas: lessons that generalise are proposed as skills, for a person to decide.

A lesson is proposed once: in a skill, or by itself as a rule of the team.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from harness.errors import HarnessError, explained
from harness.memory.learning import Learning
from harness.memory.skills.proposals import Proposed, propose
from harness.memory.team.proposals import Proposals
from harness.services.night.report import About
from harness.services.night.shift import Shift


async def propose_skills(shift: Shift, lessons: Iterable[Learning]) -> None:
    """Propose what these lessons make now, and tell it; what cannot be written is told as well."""
    by_agent: dict[str, list[Learning]] = {}
    for lesson in lessons:
        by_agent.setdefault(lesson.agent, []).append(lesson)
    redactor = shift.keeping.redactor
    try:
        taken = await shift.step(Proposals(shift.home, redactor).entries)
        made = await shift.step(partial(propose, shift.home, by_agent, shift.now, redactor, taken))
    except HarnessError as error:
        shift.report.tell(About.TROUBLE, f"skills: {error}")
    except OSError as error:
        shift.report.tell(About.TROUBLE, f"skills: {explained(error)}")
    else:
        for each in made:
            tell(shift, each)


def tell(shift: Shift, made: Proposed) -> None:
    evidence = made.evidence
    shift.record("skill.proposed", made.name, entries=list(evidence.entries if evidence else ()))
    why = evidence.why if evidence else "its lessons generalise"
    how = f"harness skills show {made.name}, then approve or reject"
    shift.report.tell(About.PROPOSED, f"skill {made.name}: {why} ({how})")
