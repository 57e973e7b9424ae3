"""Vectors beside the index: made for each text once, of one model, and only a matter of order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.clock import FakeClock
from harness.config.home import Home
from harness.memory.search import store
from harness.memory.search.index import Index
from harness.memory.search.vectors import (
    Meant,
    keep,
    near_to,
    prepare,
    sweep,
    waiting,
)

MODEL = "ollama/embed"
EAST, NORTH = [1.0, 0.0], [0.0, 1.0]


class Notes:
    """A note of scout's, indexed, and a connection of our own to the index."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.index = Index(home, FakeClock())
        self.path = home.memory("scout") / "2026-11-18.md"
        self.path.parent.mkdir(parents=True)
        self.write("east wind", "north wind", "no wind")
        self.db = store.open_index(home.index)

    def write(self, *texts: str) -> None:
        self.path.write_text("".join(f"- {text}\n" for text in texts))
        self.index.sync()

    def close(self) -> None:
        self.db.close()
        self.index.close()


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Notes]:
    notes = Notes(Home(tmp_path))
    yield notes
    notes.close()


@pytest.fixture
def db(notes: Notes) -> sqlite3.Connection:
    prepare(notes.db, MODEL)
    return notes.db


def make(db: sqlite3.Connection, model: str = MODEL) -> list[str]:
    """Vectors for all that waits: to the north what says so, else to the east."""
    texts = waiting(db, 10)
    keep(db, model, texts, {t: NORTH if "north" in t else EAST for t in texts.values()})
    return list(texts.values())


def numbers(db: sqlite3.Connection) -> list[int]:
    return [row[0] for row in db.execute("SELECT id FROM units ORDER BY id")]


def nearness(db: sqlite3.Connection, meant: Meant) -> list[float]:
    return list(near_to(db, meant, numbers(db)))


def test_each_text_is_asked_about_once(db: sqlite3.Connection) -> None:
    assert make(db) == ["east wind", "north wind", "no wind"]
    assert waiting(db, 10) == {}


def test_only_so_many_are_asked_about_at_a_time(db: sqlite3.Connection) -> None:
    assert list(waiting(db, 2).values()) == ["east wind", "north wind"]


def test_units_are_as_near_as_their_vectors(db: sqlite3.Connection) -> None:
    make(db)

    assert nearness(db, Meant(MODEL, NORTH)) == [0.0, 1.0, 0.0]
    assert near_to(db, None, numbers(db)) == []


def test_what_has_no_vector_is_as_near_as_the_others_on_average(db: sqlite3.Connection) -> None:
    texts = waiting(db, 2)
    keep(db, MODEL, texts, dict(zip(texts.values(), (EAST, NORTH), strict=True)))

    assert nearness(db, Meant(MODEL, NORTH)) == [0.0, 1.0, 0.5]


def test_without_vectors_nothing_is_said_of_meaning(notes: Notes) -> None:
    assert nearness(notes.db, Meant(MODEL, NORTH)) == []


def test_vectors_of_another_model_or_size_are_not_looked_at(db: sqlite3.Connection) -> None:
    make(db)

    assert nearness(db, Meant("ollama/other", NORTH)) == []
    assert nearness(db, Meant(MODEL, [1.0, 0.0, 0.0])) == []


def test_meaning_changes_the_order_of_what_the_words_found(
    notes: Notes, db: sqlite3.Connection
) -> None:
    make(db)

    notes.index.meaning = lambda query: Meant(MODEL, NORTH)
    to_the_north = notes.index.search("wind")[0].unit.text
    notes.index.meaning = lambda query: Meant(MODEL, EAST)
    to_the_east = notes.index.search("wind")[0].unit.text

    assert to_the_north == "north wind"
    assert to_the_east != "north wind"


def test_another_model_has_every_text_to_say_again(db: sqlite3.Connection) -> None:
    make(db)

    prepare(db, "ollama/other")

    assert len(make(db, "ollama/other")) == 3
    assert db.execute("SELECT DISTINCT model FROM vectors").fetchall() == [("ollama/other",)]


def test_an_edited_file_keeps_the_vectors_of_what_it_still_says(
    notes: Notes, db: sqlite3.Connection
) -> None:
    make(db)

    notes.write("west wind", "north wind")

    assert make(db) == ["west wind"]
    sweep(db)
    assert db.execute("SELECT count(*) FROM vectors").fetchone() == (2,)


def test_a_unit_that_changed_while_the_model_thought_waits_again(
    notes: Notes, db: sqlite3.Connection
) -> None:
    texts = waiting(db, 10)
    notes.write("new wind")

    keep(db, MODEL, texts, dict.fromkeys(texts.values(), EAST))

    assert list(waiting(db, 10).values()) == ["new wind"]


def test_a_text_that_the_model_refused_is_not_asked_about_again(db: sqlite3.Connection) -> None:
    keep(db, MODEL, waiting(db, 10), {})

    assert waiting(db, 10) == {}
