"""Proposals: what several agents learned, or what a rule of one did not mend, for a person to
decide. One file each in memory/.proposed; what was decided moves to `taken` or `rejected`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path

from ruamel.yaml.error import YAMLError

from harness.clock import stamp, unstamp
from harness.config.document import split_front_matter
from harness.config.home import Home
from harness.config.yaml_text import load_yaml
from harness.errors import HarnessError, NotFound
from harness.files import make_folder, read_plain, write_whole
from harness.memory.lessons.sightings import day_in
from harness.text.secrets import Redactor

FOLDER = ".proposed"
_DECIDED = re.compile(r"^(?:Taken|Rejected) by .*, (\d{4}-[01]\d-[0-3]\d)[.,]")
TAKEN, REJECTED = "taken", "rejected"  # folders of those that were decided


class ProposalKind(StrEnum):
    """Where a proposed rule is to hold."""

    PROTOCOL = "protocol"  # agents/AGENTS.md, which every agent reads
    SHARED = "shared"  # shared-context/LEARNED.md
    CONTRACT = "contract"  # a check of an agent's answers, which a person writes


@dataclass(frozen=True)
class Wish:
    """What is to be proposed, and what it rests on."""

    kind: ProposalKind
    text: str  # the rule, one line
    agents: tuple[str, ...]  # who learned it, or whom it is for
    entries: tuple[str, ...]  # `agent/ID` of each lesson
    evidence: str  # in words, without the notes of any agent

    def same_as(self, other: Wish) -> bool:
        """Whether one decision is enough for both: the same rule, or a lesson in common."""
        if self.kind is not other.kind:
            return False
        return folded(self.text) == folded(other.text) or not set(self.entries).isdisjoint(
            other.entries
        )


@dataclass(frozen=True)
class Proposal:
    """One file of the folder."""

    id: str  # a ULID, and the name of the file
    wish: Wish
    made_at: datetime
    path: Path

    @property
    def decided(self) -> str:
        """`taken`, `rejected`, or empty while it waits."""
        return self.path.parent.name if self.path.parent.name != FOLDER else ""

    @property
    def decided_on(self) -> date | None:
        """The day that its last line names."""
        found = _DECIDED.search(self.wish.evidence.rpartition("\n")[2]) if self.decided else None
        return day_in(found[1]) if found else None


class Proposals:
    """The folder memory/.proposed. A file that does not parse is left alone and named."""

    def __init__(self, home: Home, redactor: Redactor) -> None:
        self.folder = home.root / "memory" / FOLDER
        self.redactor = redactor

    def waiting(self) -> list[Proposal]:
        """Those that nobody has decided, oldest first."""
        return self._in(self.folder)

    def decided(self) -> list[Proposal]:
        return [*self._in(self.folder / TAKEN), *self._in(self.folder / REJECTED)]

    def about(self, wish: Wish) -> Proposal | None:
        """The latest that is the same as this wish, whatever was decided."""
        same = [each for each in [*self.decided(), *self.waiting()] if wish.same_as(each.wish)]
        return max(same, key=lambda each: each.id, default=None)

    def entries(self) -> set[str]:
        """The lessons of all of them, whatever was decided: `agent/ID`."""
        every = [*self.waiting(), *self.decided()]
        return {entry for proposal in every for entry in proposal.wish.entries}

    def broken(self) -> list[Path]:
        """Files that are none, so that a person can be told."""
        return [path for path in self._files(self.folder) if read(path) is None]

    def get(self, id: str) -> Proposal:
        """The waiting one of that id or unique beginning. Raises NotFound."""
        found = [each for each in self.waiting() if each.id.startswith(id.upper())]
        if len(found) == 1 and id:
            return found[0]
        known = {each.id: each.decided for each in self.decided()}
        if id.upper() in known:
            raise NotFound(f"the proposal {id.upper()} is {known[id.upper()]} already")
        raise NotFound(
            f"{'several proposals begin with' if found else 'there is no proposal'} `{id}`",
            hint="see them with: harness memory proposals",
        )

    def make(self, wish: Wish, ids: Callable[[], str], at: datetime) -> Proposal | None:
        """Write it down; None when the same was proposed before, whatever was decided."""
        wish = self._clean(wish)
        if any(wish.same_as(each.wish) for each in [*self.waiting(), *self.decided()]):
            return None
        make_folder(self.folder)
        id = ids()
        proposal = Proposal(id, wish, at, self.folder / f"{id}.md")
        write_whole(proposal.path, written(proposal))
        return proposal

    def move(self, proposal: Proposal, to: str, note: str) -> Proposal:
        """Put it with those that were decided, with a last line that tells how."""
        target = self.folder / to / proposal.path.name
        make_folder(target.parent)
        text = read_plain(proposal.path)
        if text is None:
            raise NotFound(f"the proposal {proposal.id} was removed meanwhile")
        write_whole(target, f"{text.rstrip()}\n\n{self.redactor.text(note)}\n")
        proposal.path.unlink()
        return replace(proposal, path=target)

    def _clean(self, wish: Wish) -> Wish:
        text = " ".join(self.redactor.text(wish.text).split())
        return replace(wish, text=text, evidence=self.redactor.text(wish.evidence))

    def _in(self, folder: Path) -> list[Proposal]:
        return [found for path in self._files(folder) if (found := read(path)) is not None]

    def _files(self, folder: Path) -> Iterable[Path]:
        return sorted(path for path in folder.glob("*.md") if not path.is_symlink())


def folded(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")


def written(proposal: Proposal) -> str:
    """As it stands in its file: JSON values are YAML, whatever they hold."""
    wish = proposal.wish
    front = {
        "kind": str(wish.kind),
        "text": wish.text,
        "agents": list(wish.agents),
        "entries": list(wish.entries),
        "made_at": stamp(proposal.made_at),
    }
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in front.items()]
    return "\n".join(["---", *lines, "---", "", wish.evidence.strip(), ""])


def read(path: Path) -> Proposal | None:
    """The proposal in a file, as a person may have edited it; None when it is none."""
    try:
        front, body = split_front_matter(read_plain(path) or "")
        _, data = load_yaml(front or "")
        wish = Wish(
            ProposalKind(data["kind"]),
            " ".join(str(data["text"]).split()),
            names(data["agents"]),
            names(data["entries"]),
            body.strip(),
        )
        made_at = unstamp(str(data["made_at"]))
    except (HarnessError, YAMLError, OSError, ValueError, KeyError, TypeError):
        return None
    return Proposal(path.stem, wish, made_at, path) if wish.text else None


def names(value: Sequence[object]) -> tuple[str, ...]:
    return tuple(map(str, value))
