"""Reflection: lessons that proved themselves become rules in the memory of their agent.

First the gate, which asks nobody; then the agent's model, which only finds the words; then the
gate for the words. Each rule is one change in the journal, so that a run that was cut off is gone
on with, and one that is repeated does nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from harness.config.hooks import HookEvent
from harness.config.settings import MemorySettings
from harness.errors import HarnessError, explained
from harness.memory import history
from harness.memory.learning import Learning, Status
from harness.memory.rules.fitting import tokens_of
from harness.memory.rules.gate import OPEN, Candidacy, judge
from harness.memory.rules.journal import Act, Change
from harness.memory.rules.lines import Line, bare
from harness.memory.rules.longterm import LongTerm
from harness.memory.rules.rule_text import unfit, worded
from harness.memory.rules.struck import notice
from harness.memory.rules.trail import rules_of
from harness.services.night.escalating import Escalating
from harness.services.night.report import About
from harness.services.night.shift import Shift
from harness.services.night.wordsmith import Wordsmith
from harness.text.words import clip

MOST = 5  # new rules of one agent in one night
FULL = "MEMORY.md is longer than a prompt has room for; the weekly compression makes place"
BRIEF = 80  # characters of a lesson in a line of a report
NIGHT = timedelta(hours=12)
DAY = timedelta(days=1)
TRIES = 2  # of a model, the second with what was wrong with the first
COUNTED = re.compile(r"seen \d|in \d")  # how the conditions begin that more of the same will meet


async def reflect(shift: Shift) -> None:
    """Go through the agents one after the other; the trouble of one is told and stops no other."""
    for agent in shift.agents:
        try:
            await Reflection(shift, agent).run()
        except HarnessError as error:
            shift.report.tell(About.TROUBLE, f"{agent}: {error}")
        except OSError as error:
            shift.report.tell(About.TROUBLE, f"{agent}: {explained(error)}")


@dataclass(frozen=True)
class Candidate:
    """An entry, and whether it may become a rule."""

    learning: Learning
    candidacy: Candidacy

    @property
    def is_on_the_way(self) -> bool:
        """Whether it was not seen often enough, whatever else it lacks."""
        return any(COUNTED.match(lack) for lack in self.candidacy.lacking)

    def told(self) -> str:
        """Its name and what it says, in a line of a report; not what strangers may have said."""
        name = f"{self.learning.agent}: {self.learning.id}"
        said = clip(" ".join(self.learning.summary.split()), BRIEF)
        return name if self.learning.quarantine else f"{name} “{said}”"


@dataclass(frozen=True)
class View:
    """What is known of one agent at the beginning of its turn."""

    learnings: tuple[Learning, ...]
    candidates: tuple[Candidate, ...]  # the open entries, those most often seen first
    lines: tuple[Line, ...]  # of its MEMORY.md
    changes: tuple[Change, ...]

    def rule_for(self, learning: Learning) -> Line | None:
        """The line that rests on the entry, if there is one."""
        resting = (line for line in self.lines if line.rule and learning.id in line.rule.entries)
        return next(resting, None)


class Reflection:
    """One agent's turn."""

    def __init__(self, shift: Shift, agent: str) -> None:
        keeping = shift.keeping
        self.shift, self.agent = shift, agent
        self.longterm = LongTerm(shift.home, agent, keeping.ids, keeping.redactor)
        self.smith = shift.wordsmith(agent)

    async def run(self) -> None:
        """Promote what is ready, say what is on the way, and go on with rules that do not help."""
        shift = self.shift
        self.tell_struck(await shift.step(lambda: notice(self.longterm, shift.now)))
        view = await shift.step(lambda: look(self.longterm, shift.settings, shift.now))
        earlier, made = self.tell_earlier(view), 0
        for candidate in view.candidates:
            if line := view.rule_for(candidate.learning):
                await shift.step(partial(self.finish, candidate.learning, line))
            elif not candidate.candidacy.ready:
                self.tell_waiting(candidate)
            elif made + promoted_lately(view, shift) >= MOST:
                shift.report.tell(About.ON_THE_WAY, f"{candidate.told()}: ready, for another night")
            elif tokens_of(await shift.step(self.longterm.lines)) > shift.settings.most:
                shift.report.tell(About.REFUSED, f"{self.agent}: {FULL}")
            else:
                made += await self.promote(candidate)
        await Escalating(shift, self.longterm, view.lines).run(view.learnings)
        if made or earlier:
            await shift.step(self.note)

    def tell_earlier(self, view: View) -> int:
        """The rules that an attempt made before it was cut off: nobody was told of them. How many;
        what the journal told and nobody did is none of them."""
        task, made = self.shift.task, 0
        here = {line.text for line in view.lines if line.rule}
        for change in view.changes if task.attempt > 1 else ():
            if change.at < task.created_at or change.by != self.shift.by:
                continue
            for rule in rules_of(change.after):
                if change.action in (Act.PROMOTE, Act.MERGE) and rule.line() in here:
                    self.tell_rule(rule.text, change, rule.count, rule.tasks)
                    made += 1
        return made

    def tell_rule(self, text: str, change: Change, count: int, tasks: int) -> None:
        seen = f"seen {count} times in {tasks} task{'s' * (tasks != 1)}"
        why = f"{', '.join(change.entries)}, {seen}; undo: harness memory undo {change.id}"
        self.shift.report.tell(About.LEARNED, f"{self.agent}: {text} ({why})")

    def tell_struck(self, changes: Sequence[Change]) -> None:
        """What a person took out by hand, once: whoever reads it may have done so by mistake."""
        for change in changes:
            said = f"{self.agent}: you removed “{bare(change.before)}”; its lessons rest until"
            how = f"they are seen again (put it back: harness memory undo {change.id})"
            self.shift.report.tell(About.STRUCK, f"{said} {how}")
            self.shift.record("memory.removed", self.agent, change=change.id)

    def finish(self, learning: Learning, line: Line) -> None:
        """Mark the entry of a rule that a run wrote before it was cut off."""
        if line.rule:
            self.longterm.book.mark(learning.id, promoted=(line.rule.promoted, line.rule.id))

    async def promote(self, candidate: Candidate) -> bool:
        """Word the rule, ask the hooks, write it. Whether it was written."""
        learning = candidate.learning
        text = await words(self.smith, learning)
        blocked = await self.blocked(learning, text)
        if blocked:
            self.refuse(candidate, f"a hook does not let it through: {blocked}")
            return False
        try:
            change = await self.shift.step(
                lambda: self.longterm.promote([learning], text, self.shift.by, self.shift.now)
            )
        except HarnessError as error:
            self.refuse(candidate, str(error))
            return False
        self.tell_promoted(learning, text, change)
        return True

    async def blocked(self, learning: Learning, text: str) -> str:
        """Why a hook of the person's holds the rule back; empty when none does."""
        facts = {
            "agent": self.agent,
            "task": self.shift.task.id,
            "attempt": self.shift.task.attempt,
            "entries": [learning.id],
            "text": text,
        }
        verdict = await self.shift.watch.result(self.shift.hooks.fire(HookEvent.PROMOTION, facts))
        return verdict.reason if verdict.blocked else ""

    def refuse(self, candidate: Candidate, why: str) -> None:
        self.shift.report.tell(About.REFUSED, f"{candidate.told()}: {why}")
        self.shift.record("memory.refused", self.agent, entries=[candidate.learning.id], why=why)

    def tell_promoted(self, learning: Learning, text: str, change: Change) -> None:
        facts = {"change": change.id, "entries": list(change.entries), "text": text}
        self.shift.record("memory.promoted", self.agent, **facts)
        self.tell_rule(text, change, learning.count, len(learning.tasks))
        if change.action is Act.PROMOTE:
            for old in change.before.splitlines():
                if old.startswith("- "):
                    self.shift.report.tell(
                        About.REPLACED, f"{self.agent}: “{bare(old)}” went to the archive"
                    )

    def tell_waiting(self, candidate: Candidate) -> None:
        """What keeps an entry from being a rule, while it is news."""
        shift, last = self.shift, candidate.learning.last_seen
        if not shift.report.asked and (last is None or last < (shift.now - DAY).date()):
            return
        about = About.ON_THE_WAY if candidate.is_on_the_way else About.REFUSED
        shift.report.tell(about, f"{candidate.told()}: {'; '.join(candidate.candidacy.lacking)}")

    def note(self) -> None:
        """A commit, where the home is a repository."""
        files = [self.longterm.path, *self.shift.home.learnings(self.agent).glob("*")]
        message = f"{self.agent} learned"
        history.note(self.shift.home, files, message, git=self.shift.settings.git)


def look(longterm: LongTerm, settings: MemorySettings, now: datetime) -> View:
    """An agent's lessons and rules, every open entry judged. Raises HarnessError, OSError."""
    learnings, lines = longterm.book.learnings(), longterm.lines()
    undone = longterm.undone(now)
    candidates = [
        Candidate(each, judge(each, learnings, settings.promotion, now, lines, undone))
        for each in learnings
        if each.status in OPEN or (each.status == Status.PROMOTED and each.id in undone)
    ]
    candidates.sort(key=order)
    changes = longterm.journal.changes()
    return View(tuple(learnings), tuple(candidates), tuple(lines), tuple(changes))


def order(candidate: Candidate) -> tuple[bool, int, str]:
    """Those most often seen first; behind them what strangers said, however often they did."""
    learning = candidate.learning
    return bool(learning.quarantine), -learning.count, learning.id


def promoted_lately(view: View, shift: Shift) -> int:
    """How many rules the agent was given this night, by runs before this one."""
    since = shift.now - NIGHT
    return sum(c.action is Act.PROMOTE and c.at > since and c.by == shift.by for c in view.changes)


async def words(smith: Wordsmith, learning: Learning) -> str:
    """The model's words, if they say what the entry says and no more; else those that the entry
    gives by itself. Raises Stop."""
    faults: list[str] = []
    for _ in range(TRIES):
        text = await smith.rule(learning, faults)
        if text is None:
            break
        faults = unfit(text, [learning])
        if not faults:
            return text
    return worded(learning)
