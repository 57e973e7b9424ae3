"""A root with a page in it, and a folder outside that must stay as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.rooted import Root

SECRET = "the secret outside"


@pytest.fixture
def root(tmp_path: Path) -> Root:
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "root" / "a" / "page.md").write_text("inside")
    return Root(tmp_path / "root")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "page.md").write_text(SECRET)
    return folder


def untouched(outside: Path) -> bool:
    names = [path.name for path in outside.iterdir()]
    return names == ["page.md"] and (outside / "page.md").read_text() == SECRET
