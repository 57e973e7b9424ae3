"""docs/promises.md names tests; each of them must be there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "promises.md"
ROWS = {*range(1, 17), 21, 22}


def functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_promise_names_tests_that_are_there() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE.read_text(encoding="utf-8"))

    missing = [f"{file}::{name}" for file, name in named if name not in functions(TESTS / file)]

    assert missing == []


def test_every_row_has_a_test() -> None:
    rows = re.findall(r"^\| (\d+)\. .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    tested = re.findall(r"^\| (\d+)\. .*`.+::test_.+`.*$", PAGE.read_text("utf-8"), re.MULTILINE)

    assert {int(row) for row in rows} == ROWS
    assert rows == tested
