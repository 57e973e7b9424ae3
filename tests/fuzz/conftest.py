"""A failing input may be large; its full text is worth the wait."""

from __future__ import annotations

from pathlib import Path

import pytest

LARGE = pytest.mark.filterwarnings("ignore:Generating overly large repr")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(LARGE)
