"""Homes with memory to search, for the tests of the index."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from harness.clock import FakeClock
from harness.config.home import Home
from harness.memory.search.index import Index

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


def index_of(root: Path, files: Mapping[str, str]) -> Index:
    """An index over a home with these files, brought in step."""
    put(root, files)
    index = Index(Home(root), FakeClock(NOW))
    index.sync()
    return index


def put(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def found(index: Index, query: str, agent: str | None = "scout") -> list[str]:
    """What a search finds, as path:line."""
    return [f"{hit.unit.path}:{hit.unit.line}" for hit in index.search(query, agent=agent)]
