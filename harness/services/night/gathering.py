"""Gathering: what several agents learned alike becomes a proposal for the whole team."""

from __future__ import annotations

from functools import partial

from harness.errors import HarnessError, explained
from harness.memory.learning import Kind, Learning, Status
from harness.memory.lessons.book import Book
from harness.memory.rules.gate import says_the_same
from harness.memory.rules.longterm import LongTerm
from harness.memory.rules.rule_text import unfit, worded
from harness.memory.skills.proposals import entries_proposed
from harness.memory.team.common import Common, common_lessons, told_of
from harness.memory.team.proposals import Proposal, ProposalKind, Proposals, Wish
from harness.memory.team.team import Team
from harness.services.night.report import About
from harness.services.night.shift import Shift
from harness.services.night.skill_ideas import propose_skills

HABITS = ("correction", "best_practice")  # categories of lessons about how to work


async def gather(shift: Shift) -> None:
    """Compare the lessons of all agents, whoever the run is about, and propose what the team's
    pages do not say yet: several rules of one area as a skill, anything else by itself. Of
    anybody's notes nothing goes along: only the rule, ids and counts."""
    lessons: list[Learning] = []
    for agent in sorted(shift.crew.profiles):
        lessons += await shift.step(partial(lessons_of, shift, agent))
    await propose_skills(shift, lessons)
    in_skills = await shift.step(partial(entries_proposed, shift.home))
    known = common_lessons(lessons, shift.settings.similar)
    common = [each for each in known if not is_in_skill(each, in_skills)]
    proven = [each for each in common if each.proven(shift.settings.promotion, shift.now.date())]
    for each in proven:
        made = await shift.step(partial(propose, shift, each))
        if made:
            tell(shift, made)


def is_in_skill(common: Common, in_skills: set[str]) -> bool:
    """Whether a skill says it, or is to say it: nobody decides on one lesson twice."""
    approved = any(lesson.status == Status.PROMOTED_TO_SKILL for lesson in common.lessons)
    return approved or not in_skills.isdisjoint(common.entries)


def lessons_of(shift: Shift, agent: str) -> list[Learning]:
    """The entries of one agent; none when they cannot be read, and that is told."""
    book = Book(shift.home, agent, shift.keeping.redactor, shift.settings.similar)
    try:
        return book.learnings()
    except HarnessError as error:
        shift.report.tell(About.TROUBLE, f"{agent}: {error}")
    except OSError as error:
        shift.report.tell(About.TROUBLE, f"{agent}: {explained(error)}")
    return []


def propose(shift: Shift, common: Common) -> Proposal | None:
    """The proposal, unless the team's pages say so already or it was made before."""
    proposals = Proposals(shift.home, shift.keeping.redactor)
    text = rule_of(shift, common)
    says = Team(shift.home, proposals, shift.keeping.ids).says()
    if unfit(text, common.lessons) or any(says_the_same(text, line) for line in says):
        return None
    wish = Wish(kind_of(common), text, common.agents, common.entries, told_of(common.lessons))
    return proposals.make(wish, shift.keeping.ids, shift.now)


def rule_of(shift: Shift, common: Common) -> str:
    """The words of a rule that one of the agents has by now; else those of its entry."""
    for lesson in common.lessons:
        if lesson.promoted:
            keeping = shift.keeping
            memory = LongTerm(shift.home, lesson.agent, keeping.ids, keeping.redactor)
            rules = (line.rule for line in memory.lines() if line.rule)
            text = next((rule.text for rule in rules if lesson.id in rule.entries), None)
            if text:
                return text
    return worded(common.lessons[0])


def kind_of(common: Common) -> ProposalKind:
    """How to work goes to the protocol, what is known to the shared page."""
    first = common.lessons[0]
    is_habit = first.kind is Kind.ERROR or first.title in HABITS
    return ProposalKind.PROTOCOL if is_habit else ProposalKind.SHARED


def tell(shift: Shift, made: Proposal) -> None:
    wish = made.wish
    facts = {"kind": str(wish.kind), "text": wish.text, "entries": list(wish.entries)}
    shift.record("memory.proposed", made.id, **facts)
    who = " and ".join(filter(None, (", ".join(wish.agents[:-1]), wish.agents[-1])))
    how = f"harness memory approve {made.id}, or reject"
    shift.report.tell(About.PROPOSED, f"{wish.kind}: {wish.text} (learned by {who}; {how})")
