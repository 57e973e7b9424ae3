"""What becomes of rules that do not help: proposals, and in the end a word to the person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial

from harness.memory.learning import Learning
from harness.memory.rules.lines import Line
from harness.memory.rules.longterm import LongTerm
from harness.memory.rules.recurrence import recurrence
from harness.memory.team.common import seen_by
from harness.memory.team.escalation import (
    Step,
    last_step,
    next_step,
    remember,
    remember_reminder,
    reminder_due,
)
from harness.memory.team.proposals import Proposal, ProposalKind, Proposals, Wish
from harness.services.night.report import About
from harness.services.night.shift import Shift

PROPOSED = {Step.PROTOCOL: ProposalKind.PROTOCOL, Step.CONTRACT: ProposalKind.CONTRACT}


class Escalating:
    """The steps of one agent's rules in one run."""

    def __init__(self, shift: Shift, longterm: LongTerm, lines: Sequence[Line]) -> None:
        self.shift, self.longterm, self.agent = shift, longterm, longterm.agent
        self.rules = {id: line.rule for line in lines if line.rule for id in line.rule.entries}
        self.proposals = Proposals(shift.home, shift.keeping.redactor)

    async def run(self, learnings: Sequence[Learning]) -> None:
        """Take each step that is due; a rule whose line a person removed is no rule any more."""
        for learning in learnings:
            if learning.promoted and learning.id in self.rules:
                step = await self.shift.step(partial(self.due, learning))
                if step:
                    await self.take(learning, step)

    def due(self, learning: Learning) -> Step | None:
        """The next step; a person whose word is missing is reminded instead."""
        last = last_step(self.longterm.book, learning)
        answer = self.answer(learning, last.step) if last else None
        if last and answer and reminder_due(last, answer, self.today):
            self.remind(learning, answer)
            remember_reminder(self.longterm.book, learning, last, self.today)
        return next_step(learning, last, answer, self.today)

    def answer(self, learning: Learning, step: Step) -> Proposal | None:
        """What became of the proposal of a step; None where a person took its file away."""
        kind = PROPOSED.get(step)
        return self.proposals.about(self.wish(learning, kind)) if kind else None

    def remind(self, learning: Learning, waiting: Proposal) -> None:
        how = f"harness memory approve {waiting.id}, or reject"
        said = self.told(learning, self.rules[learning.id].text)
        since = f"{waiting.made_at.astimezone(self.shift.now.tzinfo):%Y-%m-%d}"
        line = f"{said}; proposed as {waiting.wish.kind}, and waits for you since {since}: {how}"
        self.shift.report.tell(About.UNHELPFUL, line)

    @property
    def today(self) -> date:
        return self.shift.now.date()

    async def take(self, learning: Learning, step: Step) -> None:
        """The proposal first, the memory of it then: cut off between the two, the next run finds
        the proposal made."""
        text = self.rules[learning.id].text
        if step is Step.PERSON:
            self.shift.report.tell(About.URGENT, f"**P0** {self.told(learning, text)}")
        else:
            made = await self.shift.step(lambda: self.propose(learning, PROPOSED[step]))
            how = (
                f"approve it with: harness memory approve {made.id}" if made else "proposed before"
            )
            line = f"{self.told(learning, text)}; proposed as {PROPOSED[step]}: {how}"
            self.shift.report.tell(About.UNHELPFUL, line)
        await self.shift.step(lambda: remember(self.longterm.book, learning, step, self.today))
        facts = {"entries": [learning.id], "step": str(step)}
        self.shift.record("memory.escalated", self.agent, **facts)

    def propose(self, learning: Learning, kind: ProposalKind) -> Proposal | None:
        wish = self.wish(learning, kind)
        return self.proposals.make(wish, self.shift.keeping.ids, self.shift.now)

    def wish(self, learning: Learning, kind: ProposalKind) -> Wish:
        return Wish(
            kind,
            self.rules[learning.id].text,
            (self.agent,),
            (f"{self.agent}/{learning.id}",),
            f"The rule stands in the memory of {self.agent} and does not help:\n\n"
            f"- {seen_by(learning)}\n- {self.numbers(learning)}{pattern(learning, kind)}",
        )

    def told(self, learning: Learning, text: str) -> str:
        return f"{self.agent}: “{text}” ({learning.id}) does not help: {self.numbers(learning)}"

    def numbers(self, learning: Learning) -> str:
        seen = recurrence(learning, self.today)
        if seen is None:
            return "not measured"
        return f"{seen.before} times before the rule, {seen.after} times in {seen.days} days since"


def pattern(learning: Learning, kind: ProposalKind) -> str:
    """What a check of answers would have to look for."""
    if kind is not ProposalKind.CONTRACT:
        return ""
    named = f"`{learning.pattern_key}`" if learning.pattern_key else f"“{learning.title}”"
    return f"\n- The pattern to check for: {named}"
