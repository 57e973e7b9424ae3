"""memory search and rebuild: what the files say is found, with the daemon down."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.home import Home
from tests.cli.conftest import Harness


@pytest.fixture
def notes(home: Home) -> Path:
    folder = home.memory("scout")
    folder.mkdir(parents=True)
    (folder / "2026-01-05.md").write_text("- The port of wiki is 80.\n")
    (folder / "2026-01-09.md").write_text(
        "- The port of wiki is now 90. <!-- expires: 2099-01-01 -->\n"
    )
    (folder / "2026-01-20.md").write_text("- Lynx for sale <!-- from outside: b.test -->\n")
    other = home.memory("macro") / "MEMORY.md"
    other.parent.mkdir()
    other.write_text("- The port of tea is Macau.\n")
    return folder


@pytest.mark.usefixtures("notes")
def test_a_hit_has_all_that_is_known_of_it(harness: Harness) -> None:
    newer, older = harness("memory", "search", "port wiki", "--agent", "scout", "--json").document

    assert newer["text"] == "The port of wiki is now 90."
    assert {name: older[name] for name in older if name not in ("id", "score")} == {
        "agent": "scout",
        "kind": "note",
        "path": "memory/scout/2026-01-05.md",
        "line": 1,
        "text": "The port of wiki is 80.",
        "date": "2026-01-05",
        "superseded_by": "memory/scout/2026-01-09.md:1",
        "expires": None,
        "outside": [],
    }
    assert newer["expires"] == "2099-01-01"


@pytest.mark.usefixtures("notes")
def test_a_person_sees_everybodys_and_an_agent_its_own(harness: Harness) -> None:
    everything = harness("memory", "search", "port", "--json").document
    own = harness("memory", "search", "port", "--agent", "scout", "--json").document
    one = harness("memory", "search", "port", "-k", "1", "--json").document

    assert {hit["agent"] for hit in everything} == {"scout", "macro"}
    assert {hit["agent"] for hit in own} == {"scout"}
    assert len(one) == 1


@pytest.mark.usefixtures("notes")
def test_on_a_terminal_each_hit_tells_its_place_and_whose_words_it_has(harness: Harness) -> None:
    said = harness("memory", "search", "lynx")

    place = "memory/scout/2026-01-20.md:1"
    assert said.out == f"{place}  (2026-01-20; after reading b.test)\n  Lynx for sale\n"
    assert harness("memory", "search", "zebra").out == "nothing found\n"


def test_an_edit_and_a_removed_index_are_taken_up(
    harness: Harness, notes: Path, home: Home
) -> None:
    harness("memory", "search", "port")
    (notes / "2026-01-10.md").write_text("- a zebra\n")
    assert "a zebra" in harness("memory", "search", "zebra").out

    home.index.write_bytes(b"nonsense" * 1000)

    assert "a zebra" in harness("memory", "search", "zebra").out


@pytest.mark.usefixtures("notes")
def test_rebuild_tells_how_much_there_is(harness: Harness) -> None:
    made = harness("memory", "rebuild", "--json").document

    assert (made["files"], made["units"]) == (4, 4)
    assert harness("memory", "rebuild").out.startswith("files  4\nunits  4\n")


@pytest.mark.usefixtures("notes")
def test_an_unknown_agent_and_an_empty_query_are_refused(harness: Harness) -> None:
    unknown = harness("memory", "search", "port", "--agent", "scuot")
    empty = harness("memory", "search", "...")

    assert (unknown.code, empty.code) == (4, 2)
    assert "did you mean `scout`?" in unknown.err


def test_a_note_that_is_over_is_told_as_such(harness: Harness, notes: Path) -> None:
    (notes / "2026-02-01.md").write_text("- The gate is shut. <!-- expires: 2026-02-03 -->\n")

    said = harness("memory", "search", "gate shut")

    assert "held until 2026-02-03" in said.out
    assert "holds until 2099-01-01" in harness("memory", "search", "port wiki").out
