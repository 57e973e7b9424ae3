"""A person at the files: lines come, change and go, in place or by an editor that renames."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.files import locked
from harness.memory.learning import Kind
from harness.memory.rules.lines import HEADING, rule_of
from harness.memory.rules.longterm import LongTerm
from harness.text.lines import lines_of
from harness.text.secrets import Redactor
from tests.simulation.memory.habits import AGENTS
from tests.simulation.memory.ledger import machine_lines

if TYPE_CHECKING:
    from tests.simulation.memory.quarter import Quarter

OWN = (
    "- The owner likes short answers.",
    "- Numbers have a thousands separator.",
    "Plain words, no list.",
    "- Reports go out at seven. <!-- expires: {day} -->",
    "## Mine",
    "- ünïcode, 漢字 and an emoji 🦉",
    "- a\ttab and trailing spaces   ",
    "```",
)
DEEDS = ("add", "add", "change", "drop", "delete", "delete", "take", "crlf")


class Person:
    """Edits one file at a time, while the house is quiet."""

    def __init__(self, quarter: Quarter) -> None:
        self.quarter, self.dice = quarter, quarter.dice
        self.home, self.ledger = quarter.home, quarter.ledger
        self.written = 0

    @property
    def today(self) -> date:
        return self.quarter.clock.now().date()

    def works(self) -> None:
        for agent in AGENTS:
            self.ledger.look(agent)
            fate = self.dice.random()
            if fate < 0.15:
                self.edit(agent, self.dice.choice(DEEDS))
            elif fate < 0.18:
                self.undo(agent)
            elif fate < 0.22:
                self.scribble(agent)

    def edit(self, agent: str, deed: str) -> None:
        path = self.home.memory_file(agent)
        lines = lines_of(path.read_bytes().decode() if path.exists() else "# Memory\n\n")
        machine = machine_lines(self.ledger.journal(agent))
        ours = [n for n, line in enumerate(lines) if line.rstrip("\r\n") in machine]
        own = [n for n, line in enumerate(lines) if n not in ours and is_own(line)]
        self.quarter.story.events[deed] += 1
        if deed == "add":
            self.add(lines)
        elif deed == "crlf":
            lines = [line.rstrip("\r\n") + "\r\n" for line in lines]
        elif deed in ("change", "drop") and own:
            self.change(agent, lines, self.dice.choice(own), deed)
        elif deed in ("delete", "take") and ours:
            self.interfere(agent, lines, self.dice.choice(ours), deed)
        self.save(path, lines)
        self.ledger.look(agent, after_edit=True)

    def add(self, lines: list[str]) -> None:
        """A line that is his; fences come in pairs."""
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        self.written += 1
        end = self.dice.choice(("\n", "\n", "\r\n"))
        said = self.dice.choice(OWN).format(day=self.today + timedelta(days=9))
        code = f"```\ncode {self.written}\n```"
        whole = code if said == "```" else f"{said} ({self.written})"
        place = self.dice.choice(outside_code(lines))
        lines[place:place] = lines_of(whole.replace("\n", end) + end)

    def change(self, agent: str, lines: list[str], n: int, deed: str) -> None:
        """Of his own lines; a rule whose words he made his may be among them."""
        if rule := rule_of(lines[n].rstrip("\r\n")):
            self.ledger.deleted(agent, rule, self.today)
        lines[n : n + 1] = [f"{lines[n].rstrip()} changed\n"] if deed == "change" else []

    def interfere(self, agent: str, lines: list[str], n: int, deed: str) -> None:
        """Delete a rule, or take its words for his own."""
        rule = rule_of(lines[n].rstrip("\r\n"))
        if deed == "delete" and rule:
            self.ledger.deleted(agent, rule, self.today, ours=True)
        lines[n : n + 1] = [lines[n].replace("- ", "- Please: ", 1)] if deed == "take" else []

    def save(self, path: Path, lines: list[str]) -> None:
        """The file with these lines, each with its end."""
        text = "".join(lines).encode("utf-8", "surrogateescape")
        with locked(path.parent):
            if self.dice.random() < 0.5:
                path.write_bytes(text)
                return
            draft = path.with_name(f"{path.name}~")
            draft.write_bytes(text)
            draft.replace(path)

    def undo(self, agent: str) -> None:
        quarter = self.quarter
        memory = LongTerm(self.home, agent, quarter.ids, Redactor())
        rules = [line.rule for line in memory.lines() if line.rule and not line.hand_written]
        if not rules:
            return
        rule, now = self.dice.choice(rules), quarter.clock.now()
        quarter.story.events["undo"] += 1
        with suppress(HarnessError):
            quarter.interrupted(lambda: memory.undo(rule.id, "person:ann", now))
        self.ledger.look(agent)

    def scribble(self, agent: str) -> None:
        """A remark below the last note of a log, or in the file of lessons."""
        logs = sorted(self.home.memory(agent).glob("2026-*.md"))
        errors = self.home.learnings(agent) / Kind.ERROR.file
        for path in [*logs[-1:], errors]:
            if path.exists() and self.dice.random() < 0.7:
                self.written += 1
                said = f"  Mine: remark {self.written}"
                self.save(path, [path.read_text().rstrip("\n") + "\n", said + "\n"])
                self.ledger.remarks.append((path, said))


def is_own(line: str) -> bool:
    return bool(line.strip()) and line.strip() != HEADING and "`" not in line


def outside_code(lines: list[str]) -> list[int]:
    """The places in a file that are in no block of code."""
    free, fenced = [0], False
    for n, line in enumerate(lines, 1):
        fenced ^= line.startswith("```")
        if not fenced:
            free.append(n)
    return free
