"""The promises and the threat model name tests; each of them must be there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
DOCS = TESTS.parent / "docs"
PAGE = DOCS / "promises.md"
ROWS = {*range(1, 26)}


def functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("page", ["promises.md", "threat-model.md"])
def test_every_promise_names_tests_that_are_there(page: str) -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", (DOCS / page).read_text(encoding="utf-8"))

    missing = [f"{file}::{name}" for file, name in named if name not in functions(TESTS / file)]

    assert named
    assert missing == []


def test_every_claim_of_the_threat_model_names_a_test() -> None:
    text = (DOCS / "threat-model.md").read_text(encoding="utf-8")
    defended = text.partition("## What is defended")[2].partition("## What is not")[0]
    claims = re.findall(r"^\| (?!claim|---)(.+?) \| (.*) \|$", defended, re.MULTILINE)

    assert len(claims) > 20
    assert [claim for claim, shown in claims if "::test_" not in shown] == []


def test_every_row_has_a_test() -> None:
    rows = re.findall(r"^\| (\d+)\. .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    tested = re.findall(r"^\| (\d+)\. .*`.+::test_.+`.*$", PAGE.read_text("utf-8"), re.MULTILINE)

    assert {int(row) for row in rows} == ROWS
    assert rows == tested
