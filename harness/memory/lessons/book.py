"""The lessons of one agent: `.learnings/`, read, counted and marked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from difflib import get_close_matches
from pathlib import Path

from harness.config.home import Home
from harness.errors import NotFound
from harness.files import locked, read_exact, revise
from harness.memory.learning import Learning, Observation, Status
from harness.memory.lessons.counting import Counted, Kept, counted, joined
from harness.memory.lessons.entries import Entry, parse
from harness.memory.lessons.reading import learnings_in
from harness.memory.lessons.writing import keepable
from harness.text.secrets import Redactor

__all__ = ["Book", "Kept"]


class Book:
    """The entries of one agent. Files are the truth: every call reads them anew.

    `similar`: the share of common words (Jaccard, 0 to 1) from which on two summaries are one
    lesson.
    """

    def __init__(self, home: Home, agent: str, redactor: Redactor, similar: float = 0.6) -> None:
        self.home = home
        self.agent = agent
        self.redactor = redactor
        self.similar = similar
        self.folder = home.learnings(agent)

    def learnings(self) -> list[Learning]:
        """Every entry of every file, file by file. Raises OSError."""
        return [entry for path in self._files() for entry in self._in(path)]

    def get(self, entry_id: str) -> Learning:
        """Raises NotFound, with what was probably meant."""
        known = {entry.id: entry for entry in reversed(self.learnings())}
        if entry_id in known:
            return known[entry_id]
        near = get_close_matches(entry_id, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "see: harness memory learnings"
        raise NotFound(f"{self.agent} has no entry {entry_id}", hint=hint)

    def record(self, seen: Observation) -> Kept:
        """Count the observation on its entry, or make one: `counting.py` says which.

        The same observation again changes nothing. Raises NotFound when it contradicts an entry
        that is not there, HarnessError and OSError when the file cannot be written.
        """
        if seen.contradicts:
            self.get(seen.contradicts)
        seen = keepable(seen, self.redactor)
        results: list[Counted] = []

        def change(before: str | None) -> str:
            results.append(counted(before, seen, self.similar))
            return results[-1].text

        with locked(self.folder):
            revise(self.folder / seen.kind.file, change)
        for wrong, by in results[-1].contradicted:
            with suppress(NotFound):  # an entry that is gone needs no mark
                self.mark(wrong, contradicted_by=by)
        return results[-1].kept

    def mark(
        self,
        entry_id: str,
        *,
        status: str | None = None,
        promoted: tuple[date, str] | None = None,
        contradicted_by: str | None = None,
        skill_path: str | None = None,
    ) -> Learning:
        """Set these facts of an entry; no other byte changes. Gives the entry as it is then.

        `promoted`: since when it is a rule, and the id of the change that made it; its status
        becomes promoted unless one is given. Raises NotFound.
        """
        changes: dict[str, str] = {}
        if promoted:
            changes["Promoted"] = f"{promoted[0]} (rule {promoted[1]})"
        if status or promoted:
            changes["Status"] = status or Status.PROMOTED
        if skill_path:
            changes["Skill-Path"] = skill_path

        def change(entry: Entry) -> Entry:
            for name, value in changes.items():
                entry = entry.with_field(name, value)
            listed = joined(entry.field("Contradicted-By"), contradicted_by or "")
            return entry.with_field("Contradicted-By", listed) if contradicted_by else entry

        return self._edit(entry_id, change)

    def demote(self, entry_id: str, status: str = Status.PENDING) -> Learning:
        """Take back that an entry is a rule. Raises NotFound."""
        return self._edit(
            entry_id,
            lambda entry: entry.without_field("Promoted").with_field("Status", status),
        )

    def _edit(self, entry_id: str, change: Callable[[Entry], Entry]) -> Learning:
        path = self.home.root / self.get(entry_id).path

        def edited(before: str | None) -> str:
            if before is None:
                raise NotFound(f"{path.name} of {self.agent} is gone")
            file = parse(before)
            first = next((entry for entry in file.entries if entry.id == entry_id), None)
            return file.changed(lambda entry: change(entry) if entry is first else entry).render()

        with locked(self.folder):
            revise(path, edited)
        return self.get(entry_id)

    def _files(self) -> list[Path]:
        found = sorted(self.folder.glob("*.md"))
        return [path for path in found if path.is_file() and not path.is_symlink()]

    def _in(self, path: Path) -> list[Learning]:
        file = parse(read_exact(path) or "")
        return list(learnings_in(file, self.agent, path.relative_to(self.home.root).as_posix()))
