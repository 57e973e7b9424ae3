"""What was of use, and how often."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from harness.config.home import Home
from harness.memory.notes.uses import NEVER, Use, Uses, key_of

TODAY = date(2026, 11, 21)
NOTE = "Ada reads the digest at breakfast."


@pytest.fixture
def uses(tmp_path: Path) -> Uses:
    return Uses(Home(tmp_path))


def test_a_note_counts_once_a_day_however_often_it_is_told(uses: Uses) -> None:
    uses.count([NOTE, NOTE], TODAY)
    uses.count([NOTE], TODAY)
    uses.count([NOTE], TODAY + timedelta(days=1))

    assert uses.read()[key_of(NOTE)] == Use(2, TODAY + timedelta(days=1))
    assert uses.read().get(key_of("Something else."), NEVER).count == 0


def test_a_note_is_known_again_by_its_words() -> None:
    line = f"- 09:12Z {NOTE} (also 2026-11-01) <!-- from outside: web.test -->"

    assert key_of(line) == key_of(NOTE) != key_of("Ada reads it at lunch.")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"a": [1, "never"]}', "null"])
def test_a_file_that_cannot_be_read_counts_as_empty(uses: Uses, text: str) -> None:
    uses.path.parent.mkdir()
    uses.path.write_text(text)

    uses.count([NOTE], TODAY)

    assert uses.read()[key_of(NOTE)] == Use(1, TODAY)
