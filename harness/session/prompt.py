"""The prompt of a session: a static part that stays byte-identical, then the task.

The static part holds no date, no task and no order that could differ from one session of
an agent to the next, so that a model server's prefix cache serves the whole day. What a search
found for the task stands below the task.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from harness.bus.handed import Handed
from harness.bus.outside import told
from harness.config.settings import MemorySettings
from harness.config.skills import Skill
from harness.session.recalled import NOTHING, Recalled
from harness.session.remembered import remembered
from harness.session.wording import wording
from harness.text.fence import fenced
from harness.text.invisible import visible
from harness.text.marks import hosts_of, sources_of
from harness.text.tokens import CHARS_PER_TOKEN
from harness.text.words import clip, quotation


@dataclass(frozen=True)
class TextFile:
    """A file that goes into the prompt."""

    path: str  # relative to the home
    text: str


@dataclass(frozen=True)
class Ask:
    """The task as the agent is told it."""

    text: str
    sender: str
    at: datetime  # in the zone that the agent should think in
    title: str = ""
    job: str | None = None
    handed: tuple[Handed, ...] = ()  # by the jobs before this one
    outside: tuple[str, ...] = ()  # whose words the asker had read


@dataclass(frozen=True)
class Parts:
    """Everything that a prompt is made of, already read."""

    profile: str
    ask: Ask
    protocol: str = ""  # agents/AGENTS.md
    user: str = ""  # agents/USER.md
    skills: tuple[Skill, ...] = ()
    memory: TextFile | None = None
    shared: tuple[TextFile, ...] = ()
    recalled: Recalled = NOTHING  # what a search of the memory found for the task

    @property
    def private(self) -> str:
        """What of all this is nobody's business outside the house."""
        pages = [file.text for file in self.shared if not sources_of(file.text)]
        memory = self.memory.text if self.memory else ""
        return "\n".join([self.user, memory, *pages, self.recalled.notes])


@dataclass(frozen=True)
class Budget:
    """How much of the prompt files may take, in characters; profile and protocol are not cut."""

    per_file: int = 20_000
    total: int = 60_000  # USER.md, memory and shared context together
    handed: int = 16_000  # what the jobs before this one hand over, together
    memory: int = 4_000  # tokens of MEMORY.md
    recall: int = 1_000  # tokens of what a search of the memory finds for the task

    @classmethod
    def within(cls, context_tokens: int, settings: MemorySettings | None = None) -> Budget:
        """The usual budget, or less for a model with a small context: a third of it."""
        settings = settings or MemorySettings()
        tokens = context_tokens // 3
        third = int(tokens * CHARS_PER_TOKEN)
        return cls(
            per_file=min(cls.per_file, third),
            total=min(cls.total, third),
            handed=min(cls.handed, third // 2),
            memory=min(settings.most, tokens),
            recall=min(settings.recall, tokens // 4),
        )


class Prompt(NamedTuple):
    """The two first messages of a session."""

    system: str
    opening: str


def compose(parts: Parts, budget: Budget | None = None) -> Prompt:
    """Pure: the same parts give the same bytes."""
    budget = budget or Budget()
    sections = static_sections(parts, budget)
    return Prompt("\n\n".join(sections), opening(parts.ask, budget.handed, parts.recalled.text))


def static_sections(parts: Parts, budget: Budget) -> Iterator[str]:
    left = budget.total
    for text in (parts.profile, parts.protocol):
        if text.strip():
            yield text.strip()
    yield wording("outside")
    if parts.user.strip():
        user = shown(TextFile("agents/USER.md", parts.user), min(budget.per_file, left))
        left -= len(user)
        yield f"# Whom you work for\n\n{user}"
    if parts.skills:
        yield skill_list(parts.skills)
    if parts.memory is not None:
        room = min(budget.memory, int(min(budget.per_file, left) / CHARS_PER_TOKEN))
        today = parts.ask.at.date()
        memory = remembered(parts.memory.text, parts.memory.path, room, today)
        left -= len(memory)
        if memory:
            yield f"# Your memory ({parts.memory.path})\n\n{memory}"
    if parts.shared:
        yield shared_context(parts.shared, budget.per_file, left)


def skill_list(skills: tuple[Skill, ...]) -> str:
    """Their names and what they are for; a body is read when it is used."""
    ordered = sorted(skills, key=lambda skill: skill.name)
    lines = [f"- {skill.name}: {skill.description}" for skill in ordered]
    return wording("skills", skills="\n".join(lines))


def shared_context(files: tuple[TextFile, ...], per_file: int, total: int) -> str:
    """All names, then as many contents as the budget holds; none of a page with a stranger's
    words on it: those have no place in the system prompt."""
    ordered = sorted(files, key=lambda file: file.path)
    parts = ["\n".join(["# Shared context", "", *map(entry, ordered)])]
    for file in ordered:
        if sources_of(file.text):
            continue
        if total <= 0:
            break
        text = shown(file, min(per_file, total))
        total -= len(text)
        parts.append(f"## {file.path}\n\n{text}")
    return "\n\n".join(parts)


def entry(file: TextFile) -> str:
    """A page's line in the list of all."""
    line = f"- {file.path} ({len(file.text):,} characters)"
    outside = sources_of(file.text)
    if not outside:
        return line
    whose = told(hosts_of(outside) or ["strangers"])  # no more: their paths are strangers' words
    return f"{line}: written after reading {whose}; read it when you need it"


def shown(file: TextFile, limit: int) -> str:
    """The file's text, whole lines of it up to `limit` characters; a cut is said in words."""
    text = file.text.strip()
    if len(text) <= limit:
        return text
    head = text[: max(limit, 0)]
    head = head[: head.rfind("\n") + 1] or head
    cut = len(text) - len(head)
    return f"{head}[cut: the last {cut:,} of {len(text):,} characters; all of it: {file.path}]"


def opening(ask: Ask, room: int = Budget.handed, recalled: str = "") -> str:
    """The task message: who asks, when, for what, what was recalled, and what was handed over for
    it, in about `room` characters."""
    asker = f"{ask.sender} (job {ask.job})" if ask.job else ask.sender
    lines = [f"From: {asker}", f"Date: {ask.at:%A, %Y-%m-%d %H:%M} {zone(ask.at)}"]
    if ask.title and not ask.text.startswith(ask.title):
        lines.append(f"Title: {ask.title}")
    if ask.outside:
        lines.append(f"Note: who asks had read words of strangers ({told(ask.outside)})")
    handed = material(ask.handed, room) if ask.handed else ""
    message = "\n".join([*lines, "", ask.text])
    return "\n\n".join(part for part in (message, recalled, handed) if part)


def material(handed: tuple[Handed, ...], room: int) -> str:
    """What other jobs wrote, every line of it marked as quoted: no line of theirs can pass
    for one of the task."""
    parts = [quoted(each, room // len(handed)) for each in handed]
    return wording("handed_over", material="\n\n".join(parts))


def quoted(handed: Handed, room: int) -> str:
    """One job's part; a cut is said in words, with how to read the whole."""
    who = f"{handed.job} ({handed.agent})" if handed.agent else handed.job
    head = f"## {who}, slot {handed.slot}: {handed.ended}"
    if not handed.text:
        return f"{head}\n\nIt left no answer."
    text = clip(handed.text, room)
    mine = fenced(who, visible(text)) if handed.outside else quotation(text)
    if text == handed.text:
        return f"{head}\n\n{mine}"
    whole = f"the whole of its {len(handed.text):,} characters: `read_result`, id `{handed.id}`"
    return f"{head}\n\n{mine}\n\n[cut; {whole}]"


def zone(moment: datetime) -> str:
    """America/Los_Angeles, or the abbreviation where there is no name."""
    return getattr(moment.tzinfo, "key", None) or moment.tzname() or ""
