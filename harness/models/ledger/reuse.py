"""How much of a prompt is the prompt before: what a server has read already it need not read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from harness.models.port import ChatRequest, Message, ToolSpec

TASKS = 256  # whose last prompts are remembered
LONGEST = 4_096  # messages of one prompt

Part = tuple[int, int]  # of a prompt: its hash, its bytes


class Prompts:
    """The last prompt of each task on each model, as hashes: no text is kept."""

    def __init__(self) -> None:
        self._tools: tuple[Sequence[ToolSpec], Part] = ((), (hash(""), 0))
        self._last: OrderedDict[tuple[str, str], tuple[Part, ...]] = OrderedDict()

    def share(self, model: str, request: ChatRequest) -> float | None:
        """The share of the prompt's bytes, up to the first message that differs, which is the
        beginning of the prompt before; None without a task, and for its first prompt."""
        task = request.asker.task
        if task is None:
            return None
        before = self._last.pop((task, model), None)
        now = (self._part_of(request.tools), *parts(request, before or ()))
        self._last[task, model] = now
        while len(self._last) > TASKS:
            self._last.popitem(last=False)
        return None if before is None else common(before, now)

    def _part_of(self, tools: Sequence[ToolSpec]) -> Part:
        """Templates put tools first. Most calls bring the very tools of the call before."""
        if tools is not self._tools[0]:
            text = repr(tools)
            self._tools = tools, (hash(text), len(text))
        return self._tools[1]


def parts(request: ChatRequest, before: tuple[Part, ...]) -> Iterator[Part]:
    """The messages; those of the prompt before begin at the second place."""
    for place, message in enumerate(request.messages[:LONGEST], start=1):
        yield part(mark_of(message), before[place : place + 1], partial(size, message))


def part(mark: int, before: tuple[Part, ...], count: Callable[[], int]) -> Part:
    """Counted only where it is not what stood there before."""
    if before and before[0][0] == mark:
        return before[0]
    return mark, count()


def mark_of(message: Message) -> int:
    return hash((message.role, message.content, message.call_id, repr(message.tool_calls)))


def size(message: Message) -> int:
    """Bytes of what the model reads of it."""
    calls = sum(len(call.name) + len(repr(call.arguments)) for call in message.tool_calls)
    return len(message.content.encode()) + calls


def common(before: tuple[Part, ...], now: tuple[Part, ...]) -> float:
    whole = sum(length for _, length in now)
    same = 0
    for old, new in zip(before, now, strict=False):
        if old != new:
            break
        same += new[1]
    return same / whole if whole else 0.0
