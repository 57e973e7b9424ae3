"""Files and questions that nobody meant to write."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.memory.search.index import Index
from harness.memory.search.markdown import blocks
from tests.memory.search.homes import found, index_of

PAGE = "memory/scout/page.md"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    text = "- apples and pears\n- 東京タワー is high\n- crème brûlée 😀\n- NEAR the bus\n"
    index = index_of(tmp_path_factory.mktemp("home"), {PAGE: text})
    yield index
    index.close()


@pytest.mark.parametrize("query", ["", "   ", '"" * ()', "\0", "the of and", "😀"])
def test_a_question_without_a_word_is_an_error_that_says_so(index: Index, query: str) -> None:
    with pytest.raises(UsageError, match="no word to look for"):
        index.search(query, agent="scout")


SIGNS = (
    '"apples',
    "apples AND (",
    "apples NOT pears",
    "terms:apples",
    "apples*",
    "^apples",
    "apples\0",
    "NEAR(apples pears, 2)",
    "{terms}: apples",
    "'; DROP TABLE units; -- apples",
    "apples 😀",
)


@pytest.mark.parametrize("query", SIGNS)
def test_the_signs_of_a_query_language_are_only_signs(index: Index, query: str) -> None:
    assert f"{PAGE}:1" in found(index, query)


@pytest.mark.parametrize(
    ("query", "line"), [("東京", 2), ("タワー", 2), ("brûlée", 3), ("CRÈME", 3)]
)
def test_other_scripts_are_found(index: Index, query: str, line: int) -> None:
    assert found(index, query)[0] == f"{PAGE}:{line}"


@settings(deadline=None)
@given(query=st.text(max_size=200))
def test_any_question_is_answered_or_refused(index: Index, query: str) -> None:
    with suppress(UsageError):
        assert len(index.search(query)) <= 4


def test_a_question_of_ten_thousand_characters_is_answered_soon(index: Index) -> None:
    words = " ".join(f"word{n}" for n in range(2_000))
    begun = time.process_time()

    assert found(index, f"apples {words}")[0] == f"{PAGE}:1"
    assert time.process_time() - begun < 1


def test_a_file_that_is_not_in_utf_8_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    index = index_of(tmp_path, {PAGE: ""})
    (tmp_path / PAGE).write_bytes(b"\xff\xfe- caf\xe9 opens\n- tea \xed\xa0\x80 now\n\0\n")
    index.sync()

    assert found(index, "opens") == [f"{PAGE}:1", f"{PAGE}:2"]
    index.close()


def test_an_empty_file_and_one_without_words_have_nothing(tmp_path: Path) -> None:
    index = index_of(tmp_path, {PAGE: "", "shared-context/x.md": "\n---\n\n<!-- a -->\n# b\n"})

    assert found(index, "b", agent=None) == []
    index.close()


def test_a_line_of_a_megabyte_is_found_in_pieces(tmp_path: Path) -> None:
    text = f"- {'grain ' * 170_000}needle\n"
    index = index_of(tmp_path, {PAGE: text})

    hit = index.search("needle", agent="scout")[0]

    assert hit.unit.text.endswith("needle")
    assert len(hit.unit.text) <= 2_000
    index.close()


def test_a_word_of_a_hundred_thousand_characters_is_cut(tmp_path: Path) -> None:
    index = index_of(tmp_path, {PAGE: f"- {'x' * 100_000}\n- needle\n"})

    assert found(index, "needle")[0] == f"{PAGE}:2"
    index.close()


@pytest.mark.parametrize("piece", ["-|", "- ", " ", "<!--", "|", "# ", "#", "_ ", "`", "~~~ "])
@pytest.mark.parametrize("head", ["", "# x", "- x ", "## ["])
def test_no_line_is_slow_to_take_apart(head: str, piece: str) -> None:
    begun = time.process_time()

    list(blocks(f"{head}{piece * 4_000}y\n"))

    assert time.process_time() - begun < 1


def test_files_end_their_lines_as_they_like(tmp_path: Path) -> None:
    index = index_of(tmp_path, {})
    (tmp_path / "shared-context").mkdir()
    (tmp_path / "shared-context/a.md").write_bytes(b"- one\r\n- two\r\n- three")
    index.sync()

    assert "shared-context/a.md:3" in found(index, "three")
    index.close()
