"""An agent's MEMORY.md: rules come in and go out, each change in the journal, all of it undoable.

What a person wrote is never changed or dropped. A rule whose line he edited is his from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from harness.config.home import Home
from harness.errors import HarnessError, NotFound, explained
from harness.files import locked, read_exact, revise
from harness.ids import Ids
from harness.memory.contradiction import contradicts
from harness.memory.learning import Learning
from harness.memory.lessons.book import Book
from harness.memory.rules import trail
from harness.memory.rules.admission import check_older, examine, joined, owned, rule_from
from harness.memory.rules.aftermath import follow
from harness.memory.rules.condensing import check
from harness.memory.rules.draft import Draft, counting
from harness.memory.rules.gate import Undone, says_the_same
from harness.memory.rules.journal import Act, Change, Journal
from harness.memory.rules.lines import Line, Rule, bare, parse
from harness.memory.rules.patches import Patch, adding, exchanging, without
from harness.text.secrets import Redactor


@dataclass(frozen=True)
class Provenance:
    """What a line of MEMORY.md rests on."""

    line: Line | None  # None: it stands there no more
    rule: Rule | None  # None: a person wrote the line
    entries: tuple[Learning, ...]  # that it was made of
    missing: tuple[str, ...]  # ids of entries that are gone
    changes: tuple[Change, ...]  # that made it what it is, oldest first


class LongTerm:
    """The long-term memory of one agent. Methods that write wait for the folder's lock."""

    def __init__(self, home: Home, agent: str, ids: Ids, redactor: Redactor) -> None:
        self.home, self.agent, self.ids, self.redactor = home, agent, ids, redactor
        self.path = home.memory_file(agent)
        self.book = Book(home, agent, redactor)
        self.journal = Journal(home.learnings(agent))

    def lines(self) -> list[Line]:
        """The lines of MEMORY.md. A rule that the journal does not know as it stands is told as
        hand-written: somebody edited it. Raises HarnessError when the file cannot be read."""
        return self._lines_of(self._text())

    def undone(self, now: datetime) -> Mapping[str, Undone]:
        """The entries whose rule was taken back, struck or made room, and stands in no line; the
        days are those of the zone of `now`."""
        here = {entry for line in self.lines() if line.rule for entry in line.rule.entries}
        gone = trail.undone(self.journal.changes(), now.tzinfo)
        return {entry: undone for entry, undone in gone.items() if entry not in here}

    def promote(self, entries: Sequence[Learning], text: str, by: str, now: datetime) -> Change:
        """Make `text` a rule that rests on these entries; they are promoted then.

        One that says the same takes the entries in; older rules that say otherwise, or whose
        entries these deny, make place for it and go to the archive. Raises Refused: for entries
        in quarantine, for a text that its entries do not bear out (`rule_text.unfit`), for a line
        of a person's that says otherwise, or so already, and for a newer rule that says otherwise.
        """
        examine(entries, text, self.redactor)
        return self._write(lambda draft: self._come(draft, entries, text), by, now)[0]

    def undo(self, change_id: str, by: str, now: datetime) -> Change:
        """Take a change back, and all that was done in the same act. An undo is undone the same
        way. The entries of a promotion are pending again, and only what is seen after the day of
        the undo counts for them. Raises NotFound; HarnessError when it is taken back already;
        Stale when a person changed the lines since."""
        changes = self.journal.changes()
        act = trail.act_of(changes, change_id)
        trail.check_undoable(changes, act[0].id)

        def back(draft: Draft) -> None:
            for change in reversed(act):
                patch = trail.inverse(draft.text, change, self._made(), self._own(draft.text))
                reason = f"took {change.action} back"
                draft.take(Act.UNDO, patch, change.entries, reason, undoes=change.id)

        made = self._write(back, by, now)
        return made[-1]

    def rewrite(
        self, patches: Sequence[Patch], by: str, now: datetime, reason: str = ""
    ) -> tuple[Change, ...]:
        """Exchange lines, all of them or none; `Patch.line` of each counts in the file as it was.
        Undone as one. Raises Stale; RewriteRefused (memory/condensing.py) for what it would
        lose."""

        def exchange(draft: Draft) -> None:
            before = draft.text
            for patch in sorted(patches, key=lambda one: -one.line):
                draft.take(Act.REWRITE, self._without_secrets(patch), reason=reason)
            own = [line.text for line in self._lines_of(before) if line.hand_written]
            check(before, draft.text, own)

        return tuple(self._write(exchange, by, now)) if patches else ()

    def why(self, line_or_rule: int | str) -> Provenance:
        """Where a line comes from: by its number, the id of its rule or of an entry, or some of
        its words. Raises NotFound; HarnessError for words that several lines have."""
        changes = self.journal.changes()
        line = self._found(str(line_or_rule))
        rule = line.rule if line else trail.last_rule(changes, str(line_or_rule))
        if line is None and rule is None:
            raise NotFound(
                f'no line of {self.agent}\'s MEMORY.md is or says "{line_or_rule}"',
                hint=f"`harness memory show {self.agent}` prints them with their numbers",
            )
        return self._provenance(line, rule, changes)

    def _come(self, draft: Draft, entries: Sequence[Learning], text: str) -> None:
        """A rule comes in: as a new line, into one that says the same, or in the place of one."""
        lines = [line for line in self._lines_of(draft.text) if line.says]
        same = next((line for line in lines if says_the_same(text, line.says)), None)
        ids = tuple(one.id for one in entries)
        denied = {wrong for one in entries for wrong in one.contradicts}
        against = [
            line
            for line in lines
            if contradicts(text, line.says) or (line.rule and denied >= {*line.rule.entries})
        ]
        for line in against:
            check_older(line, entries)
        fresh = rule_from(entries, text, draft.number(0), draft.at.date())
        if same:
            merged = joined(owned(same), fresh, self.book.learnings())
            draft.take(Act.MERGE, exchanging(draft.text, [same.text], [merged.line()]), ids)
        elif against:
            patch = exchanging(draft.text, [against[0].text], [fresh.line()])
            draft.take(Act.PROMOTE, patch, ids, f"in the place of: {against[0].says}")
        else:
            draft.take(Act.PROMOTE, adding(draft.text, [fresh.line()]), ids)
        for line in against if same else against[1:]:
            patch = without(draft.text, [line.text])
            draft.take(Act.SUPERSEDE, patch, ids, f"says otherwise: {text}")

    def _write(self, make: Callable[[Draft], None], by: str, now: datetime) -> list[Change]:
        """Make a new version of the file. It is told first and done then; the entries of rules
        that came or went follow."""
        number = counting(self.ids)
        path = self.path.relative_to(self.home.root).as_posix()
        drafts: list[Draft] = []

        def change(before: str | None) -> str:
            drafts.append(Draft(before or "", path, self.redactor.text(by), now, number))
            make(drafts[-1])
            self.journal.append(*drafts[-1].changes)
            return drafts[-1].text

        try:
            with locked(self.path.parent):
                revise(self.path, change)
        except OSError as error:
            raise self._explained(error) from error
        made = drafts[-1].changes
        known = self.journal.changes()
        for told in made:
            follow(self.book, self.path, told, taken_back=trail.lets_rest(known, told))
        return made

    def _found(self, wanted: str) -> Line | None:
        lines = self.lines()
        if wanted.isdecimal():
            return lines[int(wanted) - 1] if 0 < int(wanted) <= len(lines) else None
        for line in lines:
            if line.rule and wanted in (line.rule.id, *line.rule.entries):
                return line
        said = [line for line in lines if wanted.casefold() in bare(line.text).casefold()]
        if len(said) > 1 and wanted.strip():
            numbers = ", ".join(str(line.number) for line in said)
            raise HarnessError(
                f'lines {numbers} of {self.agent}\'s MEMORY.md say "{wanted}"',
                hint="name one by its number",
            )
        return said[0] if len(said) == 1 else None

    def _provenance(
        self, line: Line | None, rule: Rule | None, changes: Sequence[Change]
    ) -> Provenance:
        if rule is None:
            return Provenance(line, None, (), (), ())
        known = {one.id: one for one in self.book.learnings()}
        return Provenance(
            line,
            rule,
            tuple(known[one] for one in rule.entries if one in known),
            tuple(one for one in rule.entries if one not in known),
            trail.concerning(changes, rule.id),
        )

    def _lines_of(self, text: str) -> list[Line]:
        own = trail.own_lines(self.journal.changes())
        return [
            replace(line, hand_written=True) if line.rule and line.text not in own else line
            for line in parse(text)
        ]

    def _without_secrets(self, patch: Patch) -> Patch:
        kept = set(patch.before)
        clean = (line if line in kept else self.redactor.text(line) for line in patch.after)
        return replace(patch, after=tuple(clean))

    def _own(self, text: str) -> Mapping[str, str]:
        """The rules that nobody edited, as they read, by id."""
        lines = self._lines_of(text)
        return {one.rule.id: one.text for one in lines if one.rule and not one.hand_written}

    def _made(self) -> tuple[str, ...]:
        return trail.made_above(self.journal.changes())

    def _text(self) -> str:
        try:
            return read_exact(self.path) or ""
        except OSError as error:
            raise self._explained(error) from error

    def _explained(self, error: OSError) -> HarnessError:
        return explained(OSError(error.errno, error.strerror, str(self.path)))
