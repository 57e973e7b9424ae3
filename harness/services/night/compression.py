"""Compression: once a week every MEMORY.md is brought back to its size, and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from harness.errors import HarnessError, explained
from harness.memory import history
from harness.memory.contradiction import contradicts
from harness.memory.notes.lifecycle import Tidied, Why, tidy
from harness.memory.rules.fitting import Fitted, fitted, tokens_of
from harness.memory.rules.lines import Line
from harness.memory.rules.longterm import LongTerm
from harness.memory.rules.recurrence import Verdict, recurrence
from harness.memory.rules.rule_text import faults_of
from harness.memory.rules.shelf import FOLDER, put_away
from harness.memory.terms import is_strict
from harness.services.night.report import About
from harness.services.night.shift import Shift
from harness.text.tokens import estimate_tokens

_WORD = re.compile(r"\w[\w./-]*\w|\w")
LONG = 16  # tokens of a rule that may be worth fewer words


async def compress(shift: Shift) -> None:
    """Go through the agents one after the other; the trouble of one is told and stops no other."""
    for agent in shift.agents:
        try:
            await Compression(shift, agent).run()
        except HarnessError as error:
            shift.report.tell(About.TROUBLE, f"{agent}: {error}")
        except OSError as error:
            shift.report.tell(About.TROUBLE, f"{agent}: {explained(error)}")


class Compression:
    """One agent's MEMORY.md."""

    def __init__(self, shift: Shift, agent: str) -> None:
        keeping = shift.keeping
        self.shift, self.agent = shift, agent
        self.longterm = LongTerm(shift.home, agent, keeping.ids, keeping.redactor)
        self.limit = shift.settings.limit

    async def run(self) -> None:
        """One rewrite, which is undone as one; a file that fits keeps all but what is over."""
        lines = await self.shift.step(self.longterm.lines)
        shorter = await self.shortened(lines) if tokens_of(lines) > self.limit else {}
        plan = await self.shift.step(partial(self.plan, lines, shorter))
        if not plan.is_empty:
            await self.shift.step(partial(self.rewrite, lines, plan))
        await self.shift.step(self.say_size)
        self.tell_notes(await self.shift.step(self.tidy))

    def plan(self, lines: Sequence[Line], shorter: dict[int, str]) -> Fitted:
        return fitted(lines, self.limit, self.shift.now.date(), self.useless(), shorter)

    def useless(self) -> set[str]:
        """The ids of the rules that do not help."""
        today = self.shift.now.date()
        known = {each.id: recurrence(each, today) for each in self.longterm.book.learnings()}
        failing = {id for id, seen in known.items() if seen and fails(seen.verdict)}
        rules = [line.rule for line in self.longterm.lines() if line.rule]
        return {rule.id for rule in rules if failing.intersection(rule.entries)}

    async def shortened(self, lines: Sequence[Line]) -> dict[int, str]:
        """The model's shorter words for long rules, those that say the same and no more."""
        smith = self.shift.wordsmith(self.agent)
        found: dict[int, str] = {}
        for line in lines:
            if line.rule is None or line.hand_written or estimate_tokens(line.rule.text) < LONG:
                continue
            text = await smith.shorter(line.rule.text)
            if text is None:
                break
            if says_the_same_shorter(text, line.rule.text):
                found[line.number] = text
        return found

    def rewrite(self, lines: Sequence[Line], plan: Fitted) -> None:
        shift, before = self.shift, tokens_of(lines)
        changes = self.longterm.rewrite(
            plan.patches(lines), shift.by, shift.now, "the weekly compression"
        )
        gone = [line.text for each in plan.going for line in each.lines]
        put_away(self.longterm.path, gone, changes[0])
        after = tokens_of(self.longterm.lines())
        for each in plan.going:
            shift.report.tell(About.PUT_AWAY, f"{self.agent}: {each.says} ({each.why})")
        undo = f"undo: harness memory undo {changes[0].id}"
        shift.report.tell(About.FITTED, f"{self.agent}: {before} to {after} tokens; {undo}")
        facts = {"before": before, "after": after, "gone": [each.name for each in plan.going]}
        shift.record("memory.compressed", self.agent, change=changes[0].id, **facts)
        archive = self.longterm.path.parent / FOLDER / self.longterm.path.name
        written = [self.longterm.path, archive, *shift.home.learnings(self.agent).glob("*")]
        history.note(shift.home, written, f"{self.agent}: shorter memory", git=shift.settings.git)

    def tidy(self) -> Tidied:
        return tidy(self.shift.home, self.agent, self.shift.settings, self.shift.now)

    def tell_notes(self, done: Tidied) -> None:
        """What became of the notes in the daily logs."""
        counts = [f"{done.count(why)} {why}" for why in Why if done.count(why)]
        if not counts:
            return
        left = f"; {done.left} more next week" if done.left else ""
        told = f"{self.agent}: {len(done.gone)} of {done.notes} notes ({', '.join(counts)}){left}"
        self.shift.report.tell(About.PUT_AWAY, told)
        self.shift.record("memory.tidied", self.agent, notes=done.notes, gone=len(done.gone))

    def say_size(self) -> None:
        """Tell of a file that is still too long: what a person wrote is his to shorten."""
        lines = self.longterm.lines()
        size = tokens_of(lines)
        if size > self.limit:
            own = [line for line in lines if line.item and not line.hand_written]
            rest = "more goes next week" if own else "what is left was written by hand: shorten it"
            told = f"{self.agent}: MEMORY.md has {size} tokens, {self.limit} are allowed; {rest}"
            self.shift.report.tell(About.FITTED, told)


def says_the_same_shorter(new: str, old: str) -> bool:
    """Whether fewer words say no more than the old ones, not the opposite, and lose no name."""
    names = [word for word in _WORD.findall(old) if is_strict(word)]
    kept = all(name in new for name in names)
    return len(new) < len(old) and kept and not faults_of(new, old) and not contradicts(new, old)


def fails(verdict: Verdict) -> bool:
    return verdict is Verdict.DOES_NOT_HELP
