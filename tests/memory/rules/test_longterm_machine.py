"""Any sequence of promotions, edits by hand, supersedes and undos ends where it should."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from harness.clock import FakeClock
from harness.config.home import Home
from harness.errors import HarnessError
from harness.ids import Ids
from harness.memory.rules.journal import Act, Change
from harness.memory.rules.lines import HEADING, parse
from harness.memory.rules.longterm import LongTerm
from harness.memory.rules.patches import Patch, applied
from harness.memory.rules.trail import rules_of
from harness.text.secrets import Redactor
from tests.memory.learned import NOW, lesson

TOOLS = ("query", "rss", "web_fetch", "macro_table")
STARTS = (
    "",
    "# Macro\n\n- by hand\n",
    "- by hand",
    f"{HEADING}\n\n# Below\r\n",
    "\n\n",
    "x\r\n\r\n",
)
BY_HAND = ("- by hand too", "## Notes", "", "words of mine", "- [ ] a box", "## Learned")


class Memories(RuleBasedStateMachine):
    """The file against a model: what a person wrote, and which rules stand."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        home = Home(Path(self.folder.name))
        home.memory("macro").mkdir(parents=True)
        self.memory = LongTerm(home, "macro", Ids(FakeClock(NOW)), Redactor())
        self.days = 0
        self.written: list[str] = []  # lines of a person's
        self.standing: dict[str, str] = {}  # rules that stand, by id
        self.edited_by_hand = False
        self.start = ""

    def teardown(self) -> None:
        self.folder.cleanup()

    @initialize(start=st.sampled_from(STARTS))
    def begin(self, start: str) -> None:
        self.start = start
        self.memory.path.write_bytes(start.encode())
        self.written = [line.text for line in parse(start) if line.text.strip()]

    @rule(tool=st.sampled_from(TOOLS), forth=st.booleans())
    def promote(self, tool: str, forth: bool) -> None:
        self.days += 1
        wanted, other = ("A_X", "B_X") if forth else ("B_X", "A_X")
        entry = lesson(
            id=f"ERR-20261118-{self.days:03d}",
            title=tool,
            fix=f"Use {wanted} instead of {other}.",
            last_seen=(NOW + timedelta(days=self.days)).date(),
        )
        text = f"When calling {tool}, use {wanted} instead of {other}."

        self._do(lambda: self.memory.promote([entry], text, "macro", NOW))

    @precondition(lambda self: self.memory.journal.changes())
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        wanted = data.draw(st.sampled_from(self.memory.journal.changes()))

        self._do(lambda: self.memory.undo(wanted.id, "bob", NOW))

    @rule(data=st.data(), line=st.sampled_from(BY_HAND))
    def add_by_hand(self, data: st.DataObject, line: str) -> None:
        lines = self._text().split("\n")
        lines.insert(data.draw(st.integers(0, len(lines))), line)
        self._by_hand("\n".join(lines))

    @precondition(lambda self: self.standing)
    @rule(data=st.data())
    def edit_a_rule_by_hand(self, data: st.DataObject) -> None:
        wanted = data.draw(st.sampled_from(sorted(self.standing)))
        lines = self._text().split("\n")
        place = next(n for n, line in enumerate(lines) if f"rule {wanted} -->" in line)
        lines[place] = lines[place].replace("- When", "- Please, when", 1)
        self._by_hand("\n".join(lines))

    @precondition(lambda self: self.standing)
    @rule(data=st.data())
    def delete_a_rule_by_hand(self, data: st.DataObject) -> None:
        wanted = data.draw(st.sampled_from(sorted(self.standing)))
        lines = self._text().split("\n")
        self._by_hand("\n".join(line for line in lines if f"rule {wanted} -->" not in line))

    @invariant()
    def what_a_person_wrote_stands_in_his_order(self) -> None:
        lines = iter(line.text for line in parse(self._text()))
        assert all(any(line == wanted for line in lines) for wanted in self.written)

    @invariant()
    def the_rules_are_those_of_the_journal(self) -> None:
        own = [line for line in self.memory.lines() if line.rule and not line.hand_written]
        assert {line.rule.id: line.text for line in own if line.rule} == self.standing

    @invariant()
    def without_edits_the_journal_replays_to_the_file(self) -> None:
        if self.edited_by_hand:
            return
        text = self.start
        for change in self.memory.journal.changes():
            text = applied(text, patch_of(change))
        assert text == self._text()

    @invariant()
    def with_every_promotion_taken_back_the_file_is_as_it_was(self) -> None:
        if not self.edited_by_hand and not self.standing and self._all_undone():
            assert self._text() == self.start

    def _all_undone(self) -> bool:
        changes = self.memory.journal.changes()
        return all(change.action in (Act.PROMOTE, Act.MERGE, Act.UNDO) for change in changes)

    def _do(self, act: Callable[[], Change]) -> None:
        """What is refused changes nothing; else the changes tell which rules stand."""
        before, known = self.memory.path.read_bytes(), len(self.memory.journal.changes())
        try:
            act()
        except HarnessError:
            assert self.memory.path.read_bytes() == before
            assert len(self.memory.journal.changes()) == known
            return
        for change in self.memory.journal.changes()[known:]:
            for gone in rules_of(change.before):
                self.standing.pop(gone.id)
            self.standing |= {come.id: come.line() for come in rules_of(change.after)}

    def _by_hand(self, text: str) -> None:
        self.memory.path.write_bytes(text.encode())
        self.edited_by_hand = True
        own = set(self.standing.values())
        lines = parse(text)
        self.standing = {
            line.rule.id: line.text for line in lines if line.rule and line.text in own
        }
        self.written = [
            line.text
            for line in lines
            if line.text.strip() and line.text not in own and line.text != HEADING
        ]

    def _text(self) -> str:
        return self.memory.path.read_bytes().decode()


def patch_of(change: Change) -> Patch:
    def lines(block: str) -> tuple[str, ...]:
        return tuple(block.split("\n")) if block else ()

    return Patch(change.line, lines(change.before), lines(change.after))


TestMemories = Memories.TestCase
TestMemories.settings = settings(
    max_examples=40,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
