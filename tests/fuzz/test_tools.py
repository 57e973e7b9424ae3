"""What a model hands to tools, and the files of memory that tools read and write."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.config.home import Home
from harness.memory.learning import Kind, Observation, Source
from harness.memory.lessons.book import Book
from harness.text.secrets import Redactor
from harness.tools.catalogue import all_tools
from harness.tools.complaints import complaints
from harness.tools.memory import HITS, Shelf
from harness.tools.once import key_of
from harness.tools.tool import ToolError
from tests.fuzz.effort import EFFORT, bounded
from tests.fuzz.strategies import as_bytes, damaged, long_text, odd_json, odd_text

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
TOOLS = tuple(all_tools().values())
REPEATED = 400  # characters of one complaint, with all it repeats of what was given


@EFFORT
@given(data=st.data())
def test_any_arguments_pass_or_are_told_in_few_words(data: st.DataObject) -> None:
    tool = data.draw(st.sampled_from(TOOLS))
    known = st.sampled_from(sorted(tool.arguments.model_fields))
    arguments = data.draw(
        st.one_of(st.dictionaries(st.one_of(known, odd_text), st.one_of(odd_json, long_text)))
    )

    with bounded():
        told = refusal(tool.name, arguments)
        key_of(tool.name, arguments)

    assert all(len(line) <= REPEATED + longest_key(arguments) for line in told)


def refusal(name: str, arguments: Mapping[str, Any]) -> list[str]:
    tool = all_tools()[name]
    try:
        tool.arguments.model_validate(arguments)
    except ValidationError as error:
        return list(complaints(tool, error))
    return []


def longest_key(arguments: Mapping[str, Any]) -> int:
    return max(map(len, arguments), default=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("memory")


MEMORY = "# Memory\n\n- 08:00Z The sea is calm (source: https://example.org)\n- The ship sails.\n"
LEARNINGS = """# Learnings

## [LRN-20260105-001] insight

**Logged**: 2026-01-05T08:00:00+00:00
**Status**: pending

### Summary
Ask twice.

### Metadata
- Task: 01TASK

---
"""


@EFFORT
@given(
    content=as_bytes(st.one_of(damaged([MEMORY]), long_text)),
    query=st.one_of(st.sampled_from(["sea ship", "08:00Z"]), odd_text, long_text),
)
def test_any_file_of_memory_is_read_and_searched(folder: Path, content: bytes, query: str) -> None:
    main = folder / "MEMORY.md"
    main.write_bytes(content)
    shelf = Shelf(folder, main)

    with bounded():
        read = shelf.read()
        try:
            found = shelf.search(query)
        except ToolError:
            found = None

    assert len(read.text) <= 20_200
    assert found is None or len(found.text.split("\n")) <= HITS + 1 or "\r" in found.text
    assert main.read_bytes() == content


@EFFORT
@given(
    content=as_bytes(st.one_of(damaged([LEARNINGS]), long_text)),
    summary=st.one_of(odd_text, st.sampled_from(["Ask twice.", "# ---", "## [LRN-1] x"])),
    details=st.one_of(odd_text, long_text),
)
@example(LEARNINGS.encode(), "a\n---\n## [LRN-20260105-900] x", "```\n# x")
@example(b"\xef\xbb\xbf\xff ```\r\n~~~", "Ask twice.", "x")
def test_what_was_learned_before_stays_with_any_lesson(
    folder: Path, content: bytes, summary: str, details: str
) -> None:
    book = Book(Home(folder), "zoe", Redactor())
    path = book.folder / Kind.LEARNING.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)

    with bounded():
        kept = book.record(a_lesson(summary, details[:4000]))
        after = path.read_bytes()
        again = book.record(a_lesson(summary, details[:4000]))

    if kept.new:
        assert after.startswith(content)
        assert f"## [{kept.id}]".encode() in after[len(content) :]
        assert kept.id in {learning.id for learning in book.learnings()}
    assert len(after) < len(content) + 4 * len(summary + details[:4000]) + 900
    assert (again.id, again.new, again.counted) == (kept.id, False, False)
    assert path.read_bytes() == after


def a_lesson(summary: str, details: str) -> Observation:
    return Observation(
        Kind.LEARNING, "insight", summary, Source.AGENT, "01NEW", NOW, details=details
    )


@EFFORT
@given(content=as_bytes(st.one_of(damaged([MEMORY]), long_text)), note=odd_text)
@example(b"caf\xe9\r\n- 08:00Z x", "y")
def test_what_was_noted_before_stays_with_any_note(folder: Path, content: bytes, note: str) -> None:
    path = folder / f"{NOW:%Y-%m-%d}.md"
    path.write_bytes(content)

    with bounded(), suppress(ToolError):
        Shelf(folder, folder / "MEMORY.md").append(note, NOW)

    assert path.read_bytes().startswith(content)
