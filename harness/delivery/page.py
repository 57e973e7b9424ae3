"""A final as a Markdown page with properties, as Obsidian and people read it."""

from __future__ import annotations

import io
import unicodedata
from datetime import datetime, tzinfo
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from harness.bus.port import Result, Task
from harness.delivery.degraded import with_notice

ENDLESS = 2**31  # no line of the front matter is ever folded


def page(task: Task, zone: tzinfo) -> str:
    """The whole page; it follows from the task alone, so that a second one is the same."""
    result = task.result or Result()
    text = with_notice(result).replace("\0", "").strip()
    return f"---\n{front_matter(properties(task, result, zone))}---\n\n{text}\n"


def properties(task: Task, result: Result, zone: tzinfo) -> dict[str, Any]:
    """What the front matter says: strings, numbers, booleans, and lists of strings."""
    title = one_line(task.title) or task.id
    outcome = task.outcome.value if task.outcome else task.state.value
    return {
        "title": title,
        "task": task.id,
        "agent": task.agent,
        "from": one_line(task.sender),
        "job": one_line(task.job) if task.job else None,
        "outcome": outcome,
        "model": one_line(result.model),
        "degraded": result.degraded,
        "created": local(task.created_at, zone),
        "finished": local(task.updated_at, zone),
        "tokens": sum(result.tokens.values()),
        "tags": tags(task.agent, outcome, result),
        "aliases": [title],
    }


def tags(agent: str, outcome: str, result: Result) -> list[str]:
    return [f"agent/{agent}", f"outcome/{outcome}", *(["degraded"] if result.degraded else [])]


def front_matter(values: dict[str, Any]) -> str:
    """YAML that any parser reads back to these very values: every string in quotes."""
    yaml = YAML()
    yaml.width = ENDLESS
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump({name: quoted(value) for name, value in values.items()}, out)
    return out.getvalue()


def quoted(value: Any) -> Any:
    match value:
        case str():
            return DoubleQuotedScalarString(value)
        case list():
            return [quoted(each) for each in value]
        case _:
            return value


def one_line(text: str) -> str:
    """`text` without line ends and control characters, single spaces between words."""
    visible = (" " if unicodedata.category(each) == "Cc" else each for each in text)
    return " ".join("".join(visible).split())


def local(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).isoformat(timespec="seconds")
