"""Schemas filled with facts, or with the least that is valid; pydantic is the judge."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import AwareDatetime, BaseModel, Field

from harness.models.extractive.form import fill


class Item(BaseModel):
    title: str
    url: str | None
    score: Annotated[int, Field(ge=1, le=10)]
    kind: Literal["news", "paper"]


class Report(BaseModel):
    text: Annotated[str, Field(min_length=3, max_length=20)]
    items: Annotated[list[Item], Field(min_length=1)]
    at: AwareDatetime
    share: Annotated[float, Field(gt=0, lt=1)]
    parent: Report | None = None
    note: str = "none"


class Tree(BaseModel):
    name: str
    children: list[Tree]


def test_an_empty_hand_gives_the_least_valid_instance() -> None:
    report = Report.model_validate(fill(Report.model_json_schema(), {}))

    assert len(report.items) == 1
    assert report.parent is None


def test_facts_go_where_their_names_match() -> None:
    facts: dict[str, Any] = {
        "text": "a text that is longer than twenty",
        "items": [
            {"title": "A", "url": "https://a.org", "score": 99, "kind": "paper"},
            {"title": 3},
        ],
        "unknown": 1,
    }

    report = Report.model_validate(fill(Report.model_json_schema(), facts))

    assert report.text == "a text that is longe"
    assert report.items[0] == Item(title="A", url="https://a.org", score=10, kind="paper")
    assert report.items[1] == Item(title="", url=None, score=1, kind="news")


def test_a_schema_that_contains_itself_ends() -> None:
    deep: dict[str, Any] = {"name": "leaf", "children": []}
    for _ in range(50):
        deep = {"name": "node", "children": [deep]}

    Tree.model_validate(fill(Tree.model_json_schema(), deep))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, ""),
        ({"const": 3}, 3),
        ({"enum": ["b", "a"]}, "b"),
        ({"type": ["null", "string"]}, ""),
        ({"type": "boolean", "default": True}, True),
        ({"type": "number", "exclusiveMinimum": 2}, 2.5),
        ({"properties": {"a": {"oneOf": [{"type": "null"}]}}, "required": ["a"]}, {"a": None}),
        ({"allOf": [{"properties": {"a": {"type": "null"}}, "required": ["a"]}]}, {"a": None}),
        ({"$ref": "#"}, ""),
        ({"allOf": [{"$ref": "#"}]}, {}),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, ["", ""]),
    ],
)
def test_each_form_of_schema_has_its_least_instance(schema: dict[str, Any], value: object) -> None:
    assert fill(schema, {}) == value
