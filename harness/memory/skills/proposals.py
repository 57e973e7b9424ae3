"""Proposed skills: what lessons say together, in skills/.proposed, until a person decides.

Nothing there is a skill: no agent has it and no search finds it. What was rejected is remembered
by its name and its entries, and not proposed again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from harness.config.home import Home
from harness.config.names import did_you_mean
from harness.config.skills import Skill, read_skill
from harness.errors import HarnessError, Held, NotFound
from harness.files import make_folder, read_exact
from harness.memory.learning import Learning, Status
from harness.memory.lessons.book import Book
from harness.memory.lessons.entries import Entry
from harness.memory.lessons.entries import parse as parse_entries
from harness.memory.rules.lines import parse as parse_rules
from harness.memory.rules.rule_text import unsafe, worded
from harness.memory.skills.grounds import Ground, Lesson, grounds, holds
from harness.memory.skills.page import Evidence, evidence_page, read_evidence, skill_page
from harness.rooted import Root
from harness.text.secrets import Redactor

FOLDER, REJECTED = ".proposed", ".rejected"


@dataclass(frozen=True)
class Proposed:
    """One folder of skills/.proposed."""

    name: str
    folder: Path
    evidence: Evidence | None  # None: a person took it away, or broke it


@dataclass(frozen=True)
class Approved:
    """A skill that was made of a proposal, and what became of its entries."""

    skill: Skill
    marked: tuple[str, ...]  # `agent/ID`
    gone: tuple[str, ...]  # are not in their files any more


Books = Callable[[str], Book]  # of an agent, by its name


def propose(
    home: Home,
    learnings: Mapping[str, Sequence[Learning]],
    now: datetime,
    redactor: Redactor,
    taken: Collection[str] = (),
) -> list[Proposed]:
    """Write a proposal for each skill that the learnings of these agents make now.

    A lesson stands in one proposal at most, and in none where it is among `taken` (`agent/ID`). A
    name that is taken is not taken again: by a skill, by a proposal that waits, by one that was
    rejected. Raises HarnessError, OSError.
    """
    decided = entries_proposed(home) | set(taken)
    free = [
        lesson
        for agent, entries in sorted(learnings.items())
        for lesson in lessons(home, agent, entries, redactor)
        if key_of(lesson.learning) not in decided
    ]
    return [
        write(home, ground, now.date())
        for ground in grounds(free)
        if not unsafe(ground.topic)
        and not any(place.exists() for place in places(home, ground.name))
    ]


def lessons(
    home: Home, agent: str, entries: Sequence[Learning], redactor: Redactor
) -> Iterator[Lesson]:
    """What of an agent's entries holds, in the words of its rule where it is one.

    A rule whose line a person took out of MEMORY.md is none any more, and what no memory may
    hold is no step of a skill either.
    """
    rules, links = rule_texts(home, agent), Links(home)
    for learning in filter(holds, entries):
        is_struck = learning.promoted is not None and learning.id not in rules
        text = redactor.text(rules.get(learning.id) or worded(learning))
        if text and not is_struck and not unsafe(text):
            yield Lesson(learning, text, links.of(learning))


def rule_texts(home: Home, agent: str) -> dict[str, str]:
    """The rule that each entry became, by the entry's id."""
    lines = parse_rules(read_exact(home.memory_file(agent)) or "")
    return {entry: line.rule.text for line in lines if line.rule for entry in line.rule.entries}


class Links:
    """How many other entries an entry names in its See Also. Each file is read once."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._files: dict[str, dict[str, Entry]] = {}

    def of(self, learning: Learning) -> int:
        path = learning.path
        if path not in self._files:
            found = parse_entries(read_exact(self.home.root / path) or "").entries
            self._files[path] = {entry.id: entry for entry in reversed(found)}
        entry = self._files[path].get(learning.id)
        named = entry.field("See Also").replace(",", " ").split() if entry else []
        return len({name.strip("[]().;") for name in named if any(map(str.isdigit, name))})


def key_of(learning: Learning) -> str:
    return f"{learning.agent}/{learning.id}"


def write(home: Home, ground: Ground, day: date) -> Proposed:
    """The two files of a proposal; without its SKILL.md, which comes last, it is none."""
    root, folder = Root(home.skills), f"{FOLDER}/{ground.name}"
    root.write(f"{folder}/EVIDENCE.md", evidence_page(ground, day))
    root.write(f"{folder}/SKILL.md", skill_page(ground, day))
    return proposed(home.skills / FOLDER / ground.name)


def proposals(home: Home) -> list[Proposed]:
    """Those that wait, by name."""
    return within(home.skills / FOLDER)


def rejected(home: Home) -> list[Proposed]:
    return within(home.skills / FOLDER / REJECTED)


def within(folder: Path) -> list[Proposed]:
    return [proposed(path.parent) for path in sorted(folder.glob("[!.]*/SKILL.md"))]


def proposed(folder: Path) -> Proposed:
    return Proposed(folder.name, folder, read_evidence(folder / "EVIDENCE.md"))


def entries_of(found: Sequence[Proposed]) -> set[str]:
    return {key for each in found if each.evidence for key in each.evidence.entries}


def entries_proposed(home: Home) -> set[str]:
    """The entries of every skill that was ever proposed (`agent/ID`), but for those whose files a
    person took away; those of approved ones are marked."""
    return entries_of([*proposals(home), *rejected(home)])


def places(home: Home, name: str) -> tuple[Path, ...]:
    """Where a name may be taken."""
    waiting = home.skills / FOLDER
    return home.skills / name, waiting / name / "SKILL.md", waiting / REJECTED / name


def the_proposal(home: Home, name: str) -> Proposed:
    """The one of that name that waits. Raises NotFound, with what was probably meant."""
    known = {each.name: each for each in proposals(home)}
    if name in known:
        return known[name]
    if name in {each.name for each in rejected(home)}:
        raise NotFound(f"the skill `{name}` was rejected already")
    hint = did_you_mean(name, known) or f"proposed: {', '.join(known) or 'none'}"
    raise NotFound(f"no skill `{name}` is proposed", hint=hint)


def approve(home: Home, name: str, books: Books) -> Approved:
    """Make a proposal a shared skill, its entries marked with it. The same again after a crash
    in between ends in the same.

    Raises NotFound; Held when a skill has the name; ConfigError when its SKILL.md, which a person
    may have edited, does not parse.
    """
    found = the_proposal(home, name)
    target = home.skills / name
    if target.exists() or target.is_symlink():
        raise Held(
            f"{target} exists already, and is not overwritten",
            hint="rename one of the two, in its SKILL.md and its folder",
        )
    read_skill(found.folder / "SKILL.md")
    marked, gone = mark(found, f"skills/{name}", books)
    found.folder.rename(target)
    return Approved(read_skill(target / "SKILL.md"), tuple(marked), tuple(gone))


def mark(found: Proposed, path: str, books: Books) -> tuple[list[str], list[str]]:
    """Which entries were marked, and which are gone."""
    marked, gone = [], []
    for key in found.evidence.entries if found.evidence else ():
        agent, _, entry = key.partition("/")
        try:
            books(agent).mark(entry, status=Status.PROMOTED_TO_SKILL, skill_path=path)
            marked.append(key)
        except NotFound:
            gone.append(key)
    return marked, gone


def reject(home: Home, name: str) -> Path:
    """Put a proposal with those that do not come back; where it lies now. Raises NotFound."""
    found = the_proposal(home, name)
    target = home.skills / FOLDER / REJECTED / name
    make_folder(target.parent)
    if target.is_symlink():
        raise HarnessError(f"{target} is a symbolic link", hint="move it away")
    shutil.rmtree(target, ignore_errors=True)  # of an earlier one of that name, put back by hand
    found.folder.rename(target)
    return target
