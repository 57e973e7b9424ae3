"""Which tools to call for a task, from what is offered; each question is asked once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.models.extractive.situation import Situation
from harness.models.extractive.wishes import about, pages
from harness.models.port import ToolSpec
from harness.text.urls import find_urls
from harness.text.words import terms

FETCHES = 3
PAGES = 3
HITS = 5

Wanted = tuple[str, Mapping[str, Any]]  # tool, arguments


def lookups(situation: Situation) -> list[Wanted]:
    """The calls to make now; none when everything was asked."""
    if not situation.results:
        return [*_fetches(situation), *_memory(situation), *_shared(situation)]
    if all(result.tool != "shared_context" for result in situation.results):
        return []
    return list(_listed_pages(situation))


def arguments(tool: ToolSpec, /, **wanted: Any) -> dict[str, Any] | None:
    """Of `wanted` what the tool's schema has room for; None when that would not be a call.

    It is none when something required is missing, or a value is not among those allowed.
    """
    properties = tool.parameters.get("properties", {})
    given = {name: value for name, value in wanted.items() if name in properties}
    if not set(tool.parameters.get("required", ())) <= given.keys():
        return None
    if not all(_allowed(properties[name], value) for name, value in given.items()):
        return None
    return {name: _bounded(properties[name], value) for name, value in given.items()}


def _fetches(situation: Situation) -> Iterator[Wanted]:
    for url in find_urls(situation.task)[:FETCHES]:
        yield from _call(situation, "web_fetch", url=url)


def _memory(situation: Situation) -> Iterator[Wanted]:
    words = " ".join(sorted(about(situation.task)))
    if not words:
        return
    search = list(_call(situation, "memory", action="search", query=words, limit=HITS))
    yield from search or _call(situation, "memory", action="read")


def _shared(situation: Situation) -> Iterator[Wanted]:
    """The pages that the task names, else the list of what there is."""
    named = [
        call
        for name in pages(situation.task)[:PAGES]
        for call in _call(situation, "shared_context", action="read", name=name)
    ]
    yield from named or _call(situation, "shared_context", action="list")


def _listed_pages(situation: Situation) -> Iterator[Wanted]:
    """Of the pages in the list those whose names fit the task, once."""
    asked = situation.of("shared_context")
    if any(result.arguments.get("action") == "read" for result in asked):
        return
    fitting = [name for name in pages(asked[-1].text) if _named_in(name, about(situation.task))]
    for name in fitting[:PAGES]:
        yield from _call(situation, "shared_context", action="read", name=name)


def _named_in(page: str, wanted: frozenset[str]) -> bool:
    return bool(terms(page.removesuffix(".md").replace("-", " ").replace("_", " ")) & wanted)


def _call(situation: Situation, called: str, /, **wanted: Any) -> Iterator[Wanted]:
    tool = situation.tools.get(called)
    given = arguments(tool, **wanted) if tool else None
    if given is not None:
        yield called, given


def _allowed(schema: Mapping[str, Any], value: Any) -> bool:
    branches: Sequence[Mapping[str, Any]] = schema.get("anyOf") or schema.get("oneOf") or [schema]
    closed = [branch for branch in branches if "enum" in branch or "const" in branch]
    if len(closed) < len(branches):
        return True
    return any(value in branch.get("enum", [branch.get("const")]) for branch in closed)


def _bounded(schema: Mapping[str, Any], value: Any) -> Any:
    """A number within the schema's bounds, a list no longer than it allows."""
    if isinstance(value, list):
        return value[: schema.get("maxItems")]
    if isinstance(value, int) and not isinstance(value, bool):
        most, least = schema.get("maximum"), schema.get("minimum")
        value = value if most is None else min(value, most)
        return value if least is None else max(value, least)
    return value
