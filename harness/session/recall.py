"""Retrieve, then inject: what of the memory helps with a task, as a block for its opening message.

The block has a budget and says what it left out. It is found once for a task: an attempt that goes
on after waiting is told what the one before it was told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path

import structlog

from harness.config.settings import HalfLife
from harness.config.skills import Skill
from harness.errors import HarnessError
from harness.memory.notes.fading import freshest
from harness.memory.notes.uses import Uses
from harness.memory.search.index import Index
from harness.memory.search.units import Hit, Unit
from harness.session.fragments import Fragment, fragments, path_of
from harness.session.recalled import NOTHING, Recalled
from harness.session.relevance import QUERY, asked_terms, one_line, relevant, unknown, unlike
from harness.session.room import within
from harness.session.wording import wording
from harness.text.ages import age_in_words
from harness.text.invisible import visible
from harness.text.tokens import estimate_tokens

log = structlog.get_logger("recall")

SECONDS = 2.0  # that a session waits for what the search finds
LOOKED_AT = 40  # hits
SHARE = 3  # a piece has at most the third part of the budget, the skills have it together
NOTES = ("memory", "note", "learning", "shared")
LEAST = 40  # tokens that a section of a skill is worth being told in


@dataclass(frozen=True)
class Wanted:
    """What a block is to be."""

    agent: str
    task: str  # its title and prompt
    known: str  # what the prompt says already
    tokens: int  # the block's, at most
    now: datetime  # in the agent's zone
    skills: tuple[Skill, ...] = ()  # that the agent has
    can_search: bool = True  # it has the tool `memory`
    half_life: HalfLife = field(default_factory=HalfLife)


@dataclass(frozen=True)
class Block:
    """What is told, and the units that were."""

    text: str = ""
    units: tuple[Unit, ...] = ()


@dataclass
class Recall:
    """Asks the index for a session, in a thread and for SECONDS at most. Whatever goes wrong is a
    session without recall, said once until it works again."""

    index: Index
    home: Path
    uses: Uses
    seconds: float = SECONDS
    # its own threads: a search that hangs holds up no other work of the house
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(2, "recall"), init=False
    )
    _failing: bool = field(default=False, init=False)

    async def find(self, wanted: Wanted) -> Recalled:
        """The blocks for an opening message; empty when nothing helps, or nothing can be found."""
        if wanted.tokens <= 0 or not asked_terms(wanted.task):
            return NOTHING
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.seconds):
                found = await loop.run_in_executor(self._threads, self._look, wanted)
        except Exception as error:  # the boundary: a broken index is no broken task
            if not self._failing:
                why = str(error) or f"no answer within {self.seconds:g} s"
                log.warning("sessions go on without recall", error=why)
            self._failing = True
            return NOTHING
        self._failing = False
        return found

    def _look(self, wanted: Wanted) -> Recalled:
        skills = self._sections(wanted) if wanted.skills else ""
        spent = estimate_tokens(skills)
        today = wanted.now.date()
        hits = freshest(self._hits(wanted, NOTES), self.uses.read(), wanted.half_life, today)
        found = block(hits, wanted, wanted.tokens - spent)
        with suppress(OSError, HarnessError):  # a hint for ranking, and no more
            self.uses.count([unit.text for unit in found.units], today)
        return Recalled(found.text, skills)

    def _hits(
        self, wanted: Wanted, kinds: Collection[str], paths: Collection[str] | None = None
    ) -> list[Hit]:
        """The house's own, and behind them what strangers' words may be in: however much there is
        of it, it takes no place of theirs."""
        look = partial(
            self.index.search,
            wanted.task[:QUERY],
            agent=wanted.agent,
            k=LOOKED_AT,
            kinds=kinds,
            now=wanted.now,
            paths=paths,
        )
        found = look()
        marked = [hit for hit in found if hit.unit.outside]
        return [*look(strangers=False), *marked] if marked else found

    def _sections(self, wanted: Wanted) -> str:
        own = [path_of(skill, self.home) for skill in wanted.skills]
        hits = relevant(self._hits(wanted, ("skill",), own), wanted.task)
        return sections(fragments(hits, wanted.skills, self.home), wanted.tokens // SHARE)


def block(hits: Sequence[Hit], wanted: Wanted, tokens: int) -> Block:
    """Pure: the pieces that help, in the order of the hits, in at most `tokens`."""
    today = wanted.now.date()
    lasting = [hit for hit in hits if not is_expired(hit.unit, today)]
    own = [hit for hit in lasting if not hit.unit.outside]
    marked = [hit for hit in lasting if hit.unit.outside]
    clean = unlike(unknown(relevant(own, wanted.task), wanted.known))
    outside = len(list(unknown(relevant(marked, wanted.task), wanted.known)))
    if not clean and not outside:
        return Block()
    for most in range(len(clean), -1, -1):
        text = rendered(clean[:most], wanted, len(clean) - most, outside)
        if estimate_tokens(text) <= tokens:
            return Block(text, tuple(hit.unit for hit in clean[:most]))
    return Block()


def rendered(hits: Sequence[Hit], wanted: Wanted, more: int, outside: int) -> str:
    today = wanted.now.date()
    lines = [piece(hit, today, wanted.tokens // SHARE) for hit in hits]
    how = wording("recall_search" if wanted.can_search else "recall_hidden")
    if more:
        lines.append(wording("recall_more", count=counted(more), how=how))
    if outside:
        lines.append(wording("recall_outside", count=counted(outside), how=how))
    return wording("recall", pieces="\n".join(lines))


def counted(count: int) -> str:
    return "1 piece" if count == 1 else f"{count} pieces"


def piece(hit: Hit, today: date, tokens: int) -> str:
    """One line: what is said, where it stands, how old it is, and what is newer."""
    unit = hit.unit
    when = f"{unit.date}, {age_in_words(unit.date, today)}" if unit.date else "undated"
    newer = f"; superseded by {hit.superseded_by}" if hit.superseded_by else ""
    said = within(one_line(unit.text), tokens)
    return f"- {said} ({unit.path}:{unit.line}; {when}{newer})"


def sections(found: Sequence[Fragment], tokens: int) -> str:
    """The sections of skills as a block, one after the other, as many as fit; a long one is cut."""
    room = tokens - estimate_tokens(wording("recall_skills", sections=""))
    texts = list[str]()
    for fragment in found:
        if room < LEAST:
            break
        texts.append(within(visible(fragment.told()), room))
        room -= estimate_tokens(texts[-1]) + 1
    return wording("recall_skills", sections="\n\n".join(texts)) if texts else ""


def is_expired(unit: Unit, today: date) -> bool:
    return unit.expires is not None and unit.expires < today
