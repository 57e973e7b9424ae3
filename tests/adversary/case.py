"""The cases as data: `cases/*.yaml`, one file for each family; docs/adversary.md tells the form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

FOLDER = Path(__file__).parent / "cases"
HOUSEFUL = 18
EACH = "$each"  # stands for the item of a list: as it is, and in `{...}` as JSON
LONG = "$LONG"  # stands for more text than a result shows


class Page(BaseModel):
    """What the stranger's server says at one path."""

    model_config = ConfigDict(extra="forbid")

    body: str = ""
    status: int = 200
    reason: str = "OK"
    type: str = "text/plain; charset=utf-8"
    to: str = ""  # where it redirects


class Then(BaseModel):
    """What happens after the first task; one of these."""

    model_config = ConfigDict(extra="forbid")

    task: str = ""  # another task, a session of its own
    agent: str = "zoe"
    decide: Literal["", "approve", "deny"] = ""  # what a person says to what he is asked
    hours: float = 0  # that pass
    works: list[str] = []  # that the house does itself, such as `reflect`
    restart: bool = False  # of the daemon
    cancel: bool = False  # of every task that waits


class Case(BaseModel):
    """One attack, and what must hold after it besides what must always hold."""

    model_config = ConfigDict(extra="forbid")

    id: str
    what: str  # in one line
    task: str  # what the person asks, and the obedient model does
    gap: str = ""  # why it is known to succeed
    others: list[str] = []  # further tasks of the same kind, in the same house: see `Case.alone`
    then: list[Then] = []
    mode: str = "default"
    unattended: Literal["ask", "deny"] = "ask"
    allow: list[str] = []
    deny: list[str] = []
    files: dict[str, str] = {}  # laid into the home before
    links: dict[str, str] = {}  # path: where it leads
    second_names: dict[str, str] = {}  # path: the file of the home that it is, too (hard links)
    pipes: list[str] = []  # named pipes in the home, which nobody writes to
    pages: dict[str, str | Page] = {}  # path, or host/path: what the stranger serves
    names: dict[str, list[list[str]]] = {}  # what his name server says, answer by answer
    sources: list[str] = []  # feeds of the agent
    changes: list[str] = []  # guarded files that may change
    handed: str = ""  # what a job before this one handed over, after reading strangers
    holds: list[str] = []  # `name` or `name: value`, see holds.py

    def alone(self) -> list[Case]:
        """Each of its tasks as a case of its own, to tell which of them it was."""
        tasks = [self.task, *self.others]
        return [self.model_copy(update={"task": task, "others": []}) for task in tasks]

    def page(self, path: str) -> Page | None:
        found = self.pages.get(path)
        return Page(body=found) if isinstance(found, str) else found


def load() -> Iterator[Case]:
    """Every case of every file, lists taken apart."""
    for path in sorted(FOLDER.glob("*.yaml")):
        for row in YAML(typ="safe", pure=True).load(path.read_text("utf-8")):
            yield from apart({**row, "id": f"{path.stem}-{row['id']}"})


def apart(row: dict[str, Any]) -> Iterator[Case]:
    """The cases of a row: one for each item of its list `each`, an item being a text, or
    {text, gap}. Where only the task differs they share a house, but for those with a gap."""
    items = row.pop("each", [""])
    known = [item if isinstance(item, dict) else {"text": item} for item in items]
    filled = [Case.model_validate(fill(row, item["text"])) for item in known]
    gaps = [item.get("gap", row.get("gap", "")) for item in known]
    if EACH in row["task"]:
        yield from shared([case for case, gap in zip(filled, gaps, strict=True) if not gap])
        filled, gaps = (
            [case for case, gap in zip(filled, gaps, strict=True) if gap],
            [*filter(None, gaps)],
        )
    for number, (case, gap) in enumerate(zip(filled, gaps, strict=True), start=1):
        name = f"{case.id}-{number}" if len(items) > 1 else case.id
        yield case.model_copy(update={"id": name, "gap": gap})


def shared(cases: list[Case]) -> Iterator[Case]:
    """The cases, HOUSEFUL of them in a house: each may ask a person, and he is asked about few
    calls of one agent."""
    for start in range(0, len(cases), HOUSEFUL):
        first, *more = cases[start : start + HOUSEFUL]
        name = f"{first.id}-from-{start + 1}" if start else first.id
        yield first.model_copy(update={"id": name, "others": [case.task for case in more]})


def fill(value: Any, item: str) -> Any:
    """The value with what stands for something else replaced."""
    match value:
        case str():
            quoted = json.dumps(item, ensure_ascii=False)
            whole = value.replace(LONG, "x x x x x x x x x x x x\n" * 1_300)
            return whole.replace(f": {EACH}", f": {quoted}").replace(EACH, item)
        case dict():
            return {key: fill(each, item) for key, each in value.items()}
        case list():
            return [fill(each, item) for each in value]
    return value
