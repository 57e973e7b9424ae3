"""The pages that all agents read, where approved proposals go: one line each, and a way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from harness.config.home import Home
from harness.errors import HarnessError
from harness.files import locked, read_plain, revise
from harness.memory.lessons.lines import newline_of
from harness.memory.rules.journal import Act, Change, Journal
from harness.memory.rules.lines import bare
from harness.memory.rules.rule_text import unsafe
from harness.memory.team.proposals import FOLDER, TAKEN, Proposal, ProposalKind, Proposals
from harness.text.lines import lines_of

HEADING = "## Learned by the crew"
PAGE = "# Learned\n\nWhat several agents learned, and a person approved.\n"


class Team:
    """Takes proposals over into agents/AGENTS.md and shared-context/LEARNED.md."""

    def __init__(self, home: Home, proposals: Proposals, ids: Callable[[], str]) -> None:
        self.home = home
        self.proposals = proposals
        self.ids = ids
        self.journal = Journal(home.root / "memory" / FOLDER)

    def says(self) -> list[str]:
        """What the pages hold by now, line by line."""
        texts = (read_plain(path) or "" for path in map(self.page, PAGES))
        return [said for text in texts for line in lines_of(text) if (said := bare(line))]

    def page(self, kind: ProposalKind) -> Path:
        """Where the rules of that kind stand."""
        shared = self.home.shared_context / "LEARNED.md"
        return self.home.protocol_file if kind is ProposalKind.PROTOCOL else shared

    def approve(self, proposal: Proposal, by: str, now: datetime) -> Change | None:
        """Write the line of a proposal and put it with the taken ones; once, however often it is
        begun. None for a contract, which a person writes. Raises HarnessError."""
        faults = unsafe(proposal.wish.text)
        if faults:
            raise HarnessError(
                f"the proposal {proposal.id} {'; '.join(faults)}",
                hint=f"change its text in {proposal.path}, or reject it",
            )
        if proposal.wish.kind is ProposalKind.CONTRACT:
            self.proposals.move(proposal, TAKEN, f"Taken by {by}, {now:%Y-%m-%d}.")
            return None
        change = self._change(proposal, by, now)
        self._write(change)
        self.proposals.move(
            proposal, TAKEN, f"Taken by {by}, {now:%Y-%m-%d}, as change {change.id}."
        )
        return change

    def undo(self, change_id: str, by: str, now: datetime) -> Change:
        """Take a line out again, as long as it stands there as it was written; an undo is undone
        the same way. Raises NotFound, HarnessError."""
        done = self.journal.get(change_id)
        back = replace(
            done,
            id=self.ids(),
            at=now,
            by=by,
            action=Act.UNDO,
            before=done.after,
            after=done.before,
            undoes=done.id,
            reason="",
        )
        path = self.home.root / done.path
        with locked(path.parent):
            revise(path, lambda before: after_undo(before, done))
        self.journal.append(back)
        return back

    def _change(self, proposal: Proposal, by: str, now: datetime) -> Change:
        """The change that a proposal is; that of an earlier try, where there was one."""
        known = [each for each in self.journal.changes() if each.reason == reason_of(proposal)]
        if known:
            return known[-1]
        return Change(
            id=self.ids(),
            at=now,
            by=by,
            action=Act.PROMOTE,
            path=self.page(proposal.wish.kind).relative_to(self.home.root).as_posix(),
            before="",
            after=line_of(proposal),
            entries=proposal.wish.entries,
            reason=reason_of(proposal),
            above=HEADING,
        )

    def _write(self, change: Change) -> None:
        path = self.home.root / change.path
        self.journal.append(change)
        with locked(path.parent):
            revise(path, lambda before: with_line(before, change.after))


PAGES = (ProposalKind.PROTOCOL, ProposalKind.SHARED)


def reason_of(proposal: Proposal) -> str:
    return f"proposal {proposal.id}"


def line_of(proposal: Proposal) -> str:
    """The line as it is to stand in a page; one for a single agent names it."""
    wish = proposal.wish
    whom = f"{wish.agents[0]}: " if len(wish.agents) == 1 else ""
    return f"- {whom}{wish.text} <!-- {reason_of(proposal)} -->"


def is_line(line: str, written: str) -> bool:
    return line.rstrip("\r\n") == written


def with_line(before: str | None, line: str) -> str:
    """The page with the line at the end of its section, which is made when it is missing; as it
    was when it has the line already."""
    text = PAGE if before is None else before
    lines, newline = lines_of(text), newline_of(text)
    if any(is_line(each, line) for each in lines):
        return text
    own = line + newline
    heads = [n for n, each in enumerate(lines) if each.strip() == HEADING]
    if not heads:
        gap = "" if not text or text.endswith("\n") else newline
        return f"{text}{gap}{newline}{HEADING}{newline}{newline}{own}"
    place = end_of(lines, heads[0])
    if not lines[place - 1].endswith("\n"):
        lines[place - 1] += newline
    first = [newline] if place == heads[0] + 1 else []
    return "".join([*lines[:place], *first, own, *lines[place:]])


def after_undo(before: str | None, done: Change) -> str:
    """The page without what a change put in, or with what it took out. Raises HarnessError."""
    if not done.after:
        return with_line(before, done.before)
    lines = lines_of(before or "")
    found = next((n for n, line in enumerate(lines) if is_line(line, done.after)), None)
    if found is None:
        raise HarnessError(
            f"the line of change {done.id} is no longer in {done.path} as it was written",
            hint="edit the file by hand",
        )
    return "".join([*lines[:found], *lines[found + 1 :]])


def end_of(lines: list[str], head: int) -> int:
    """Behind the last line of a section that says something."""
    rest = range(head + 1, len(lines))
    end = next((n for n in rest if lines[n].startswith(("# ", "## "))), len(lines))
    while end > head + 1 and not lines[end - 1].strip():
        end -= 1
    return end
