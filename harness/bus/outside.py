"""The mark of words from outside the house, as it goes from task to task.

Whoever asks another agent after reading a stranger's page may hand on what the stranger wants:
the task that is asked for begins where the asking one stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.bus.handed import handed_in
from harness.bus.port import Result, Task
from harness.text.words import a_few

KEY = "outside"  # of the payload
PRIVATE = "private"  # of the payload: the words of the task are nobody's business outside
MOST = 20  # sources that are told by name


def outside_payload(sources: Iterable[str], *, private: bool = False) -> dict[str, Any]:
    """The payload of a request by a session that has read these; empty for none. `private`: its
    words carry something of the house."""
    names = list(sources)[:MOST]
    told_private = {PRIVATE: True} if private else {}
    return {KEY: names} | told_private if names else {}


def payload_of_answer(result: Result) -> dict[str, Any]:
    """The payload that an answer travels with: of a session that read nobody from outside it is
    the house's own."""
    return outside_payload(result.outside, private=result.private) or {PRIVATE: True}


def outside_of(payload: Mapping[str, Any]) -> list[str]:
    """Whose words a task begins with: those of its asker, and of what was handed over to it."""
    handed = (name for each in handed_in(payload) for name in each.outside)
    return list(dict.fromkeys([*payload.get(KEY, ()), *handed]))


def source_of(task: Task) -> str:
    """How an answer is named whose session had read a stranger's words; empty if it had not."""
    outside = task.result.outside if task.result else ()
    return f"{task.agent}, who read {told(outside)}" if outside else ""


def told(sources: Iterable[str]) -> str:
    """Some of the sources by name."""
    return a_few(sources, 3)
