"""How many things each long-lived container of the daemon holds."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sized
from typing import Any

from harness.memory.search.index import SCOPES
from harness.models.cache.shelf import MOST_ANSWERS
from harness.models.ledger.reuse import TASKS
from harness.models.limits.pace import REMEMBERED

CONTAINERS = (dict, list, set, deque, tuple, frozenset)
BOUNDS = {  # containers that fill up to a bound, and what lies in them is theirs
    "._prompts._last": TASKS,
    "._prompts._tools": 2,  # those of the last call
    ".retired._kept": 2,  # one, and one more for a session that lasts
    ".shelf._kept": MOST_ANSWERS,
    ".paces[].calls": REMEMBERED,
    ".index._scopes": SCOPES,
}
MOST_INSIDE = 50  # of a container's things, looked into


def census(root: object) -> Counter[str]:
    """Sizes by the path of attributes that leads there. Containers of one path are added up; of
    those that have a bound the largest counts."""
    sizes: Counter[str] = Counter()
    seen: set[int] = set()
    waiting: deque[tuple[str, Any]] = deque([(type(root).__name__, root)])
    while waiting:
        path, thing = waiting.popleft()
        if id(thing) in seen or isinstance(thing, asyncio.Future):
            continue
        seen.add(id(thing))
        if bound_of(path) is not None and isinstance(thing, Sized):
            sizes[path] = max(sizes[path], len(thing))
            continue
        if isinstance(thing, CONTAINERS) or is_ours(thing, Sized):
            sizes[path] += len(thing)
        waiting.extend(inside(path, thing))
    return sizes


def bound_of(path: str) -> int | None:
    """How many things a container may have; None: as many as on the first day."""
    return next((most for end, most in BOUNDS.items() if path.endswith(end)), None)


def inside(path: str, thing: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, Mapping):
        for value in list(thing.values())[:MOST_INSIDE]:
            yield f"{path}[]", value
    elif isinstance(thing, CONTAINERS):
        for value in list(thing)[:MOST_INSIDE]:
            yield f"{path}[]", value
    elif is_ours(thing, object):
        for name, value in attributes(thing):
            yield f"{path}.{name}", value


def attributes(thing: object) -> Iterator[tuple[str, Any]]:
    yield from getattr(thing, "__dict__", {}).items()
    for kind in type(thing).__mro__:
        for name in getattr(kind, "__slots__", ()):
            if hasattr(thing, name):
                yield name, getattr(thing, name)


def is_ours(thing: object, kind: type) -> bool:
    return type(thing).__module__.startswith("harness.") and isinstance(thing, kind)
