"""A rule that a person took out by hand is told once, and stays away until it is seen again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from harness.clock import FakeClock
from harness.config.home import Home
from harness.ids import Ids
from harness.memory.rules import longterm
from harness.memory.rules.journal import Act
from harness.memory.rules.lines import HEADING
from harness.memory.rules.longterm import LongTerm
from harness.memory.rules.patches import Patch
from harness.memory.rules.struck import notice
from harness.text.secrets import Redactor
from tests.memory.learned import NOW, RULE, candidacy, seen

LATER = NOW + timedelta(days=4)
TURNED = "When calling query, use BUY_AMT instead of BILLBOARD_BUY_AMT."


@pytest.fixture
def memory(tmp_path: Path) -> LongTerm:
    home = Home(tmp_path)
    home.memory("macro").mkdir(parents=True)
    return LongTerm(home, "macro", Ids(FakeClock(NOW)), Redactor())


def promoted(memory: LongTerm) -> str:
    return memory.promote([seen(memory.book)], RULE, "macro", NOW).entries[0]


def strike(memory: LongTerm) -> None:
    memory.path.write_text("# Memory\n")


def is_ready(memory: LongTerm, entry: str) -> bool:
    known = memory.book.learnings()
    return candidacy(memory, memory.book.get(entry), known, LATER).ready


def test_a_struck_rule_is_noticed_once(memory: LongTerm) -> None:
    entry = promoted(memory)
    strike(memory)

    noticed = notice(memory, NOW)

    assert [(one.action, one.entries) for one in noticed] == [(Act.REMOVE, (entry,))]
    assert notice(memory, LATER) == []


def test_a_rule_that_stands_or_was_edited_is_not_struck(memory: LongTerm) -> None:
    promoted(memory)
    assert notice(memory, NOW) == []
    memory.path.write_text(memory.path.read_text().replace("- When", "- Please: when"))
    assert notice(memory, NOW) == []
    memory.path.write_text(f"- {RULE}\n")

    assert notice(memory, NOW) == []


def test_the_same_evidence_does_not_bring_a_struck_rule_back(memory: LongTerm) -> None:
    entry = promoted(memory)
    strike(memory)
    notice(memory, NOW)

    assert not is_ready(memory, entry)
    seen(memory.book, start=NOW + timedelta(days=1))
    assert is_ready(memory, entry)


def test_a_rule_that_made_room_comes_back_when_its_mistake_does(memory: LongTerm) -> None:
    entry = promoted(memory)
    for part in ("alpha", "beta", "gamma"):
        with memory.path.open("a") as file:
            file.write(f"- {part} was here, and a few words more for the length of it.\n" * 3)
    number = next(line.number for line in memory.lines() if line.rule)
    text = memory.lines()[number - 1].text
    memory.rewrite([Patch(number, (text,), ())], "zoe", NOW, "the weekly compression")

    assert notice(memory, NOW) == []
    assert not is_ready(memory, entry)
    seen(memory.book, start=NOW + timedelta(days=1))
    assert is_ready(memory, entry)


def test_a_struck_rule_is_put_back_by_undo(memory: LongTerm) -> None:
    entry = promoted(memory)
    before = memory.path.read_text()
    strike(memory)
    (removed,) = notice(memory, NOW)

    memory.undo(removed.id, "ann", LATER)

    rule = before.splitlines()[-1]
    assert memory.path.read_text() == f"# Memory\n\n{HEADING}\n\n{rule}\n"
    assert memory.book.get(entry).status == "promoted"
    assert notice(memory, LATER) == []


def test_a_rule_that_a_crash_kept_from_the_file_is_not_struck(
    memory: LongTerm, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = seen(memory.book)
    with monkeypatch.context() as patched:
        patched.setattr(longterm, "revise", told_and_not_done)
        with pytest.raises(KeyboardInterrupt):
            memory.promote([entry], RULE, "macro", NOW)

    assert notice(memory, NOW) == []
    assert is_ready(memory, entry.id)


def test_a_rule_that_rests_and_comes_again_in_a_crash_is_not_struck_again(
    memory: LongTerm, monkeypatch: pytest.MonkeyPatch
) -> None:
    promoted(memory)
    strike(memory)
    notice(memory, NOW)
    again = seen(memory.book, start=NOW + timedelta(days=1))
    with monkeypatch.context() as patched:
        patched.setattr(longterm, "revise", told_and_not_done)
        with pytest.raises(KeyboardInterrupt):
            memory.promote([again], RULE, "macro", LATER)

    assert notice(memory, LATER) == []
    assert is_ready(memory, again.id)


def test_what_a_crash_left_of_a_replaced_rule_is_done_by_the_next_look(
    memory: LongTerm, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = promoted(memory)
    new = seen(
        memory.book, TURNED, key="data.renamed", start=NOW, summary="It was renamed back again."
    )
    with monkeypatch.context() as patched:
        patched.setattr(longterm, "follow", crash)
        with pytest.raises(KeyboardInterrupt):
            memory.promote([new], TURNED, "macro", LATER)

    for _ in range(2):
        assert notice(memory, LATER) == []

    assert memory.book.get(old).status == "superseded"
    archive = (memory.path.parent / ".archive" / "MEMORY.md").read_text()
    assert archive.count(RULE) == 1


def told_and_not_done(path: Path, change: Callable[[str | None], str]) -> str:
    change(path.read_text() if path.exists() else None)
    raise KeyboardInterrupt


def crash(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
