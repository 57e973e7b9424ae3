"""The tool calls of one reply: each gets exactly one result, whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from harness.models.port import ToolCall
from harness.session.brief import Hands
from harness.session.watch import Watch
from harness.tools.tool import ToolResult


class Calls:
    """Knows which calls still lack a result, and what became of those that went out."""

    def __init__(self, tools: Hands, watch: Watch) -> None:
        self.tools = tools
        self.watch = watch
        self.finished = 0  # of all replies
        self._open: list[ToolCall] = []
        self._under_way: dict[int, asyncio.Task[ToolResult]] = {}  # by identity of the call

    def expect(self, calls: Sequence[ToolCall]) -> None:
        """A reply asks for these."""
        self._open = list(calls)
        self._under_way = {}

    async def run(self, group: Sequence[ToolCall]) -> list[ToolResult]:
        """Make these calls side by side; their results in the order asked.

        One that was cut off, or came too late to start, has a result that says so.
        """
        if self.watch.over:
            return [self._outcome(call) for call in group]
        tasks = [asyncio.create_task(self.tools.call(call)) for call in group]
        self._under_way |= {id(call): task for call, task in zip(group, tasks, strict=True)}
        await self.watch.finish(tasks)
        return [self._outcome(call) for call in group]

    @property
    def open(self) -> Sequence[ToolCall]:
        """Those that lack a result."""
        return tuple(self._open)

    def of(self, result: ToolResult) -> ToolCall:
        """The open call whose result this is."""
        same = (call for call in self._open if call.id == result.call_id)
        return next(same, self._open[0])

    def answered(self, result: ToolResult) -> ToolCall:
        """A call has its result now; which one it was."""
        call = self.of(result)
        self.finished += 1
        self._open = [each for each in self._open if each is not call]
        return call

    def unanswered(self) -> list[ToolResult]:
        """A result for each call that is still open."""
        return [self._outcome(call) for call in self._open]

    def _outcome(self, call: ToolCall) -> ToolResult:
        task = self._under_way.get(id(call))
        if task is None:
            return failed(call, "cancelled before it began")
        if task.cancelled() or not task.done():
            return failed(call, "cancelled before it ended; it may have had an effect")
        if error := task.exception():
            return failed(call, f"{type(error).__name__}: {error}")
        return task.result()


def failed(call: ToolCall, text: str) -> ToolResult:
    return ToolResult(call.id, call.name, text, ok=False)


def together(calls: Sequence[ToolCall], is_parallel: Callable[[str], bool]) -> list[list[ToolCall]]:
    """The calls in their order, neighbours that may run side by side in one group."""
    groups: list[list[ToolCall]] = []
    beside = False
    for call in calls:
        parallel = is_parallel(call.name)
        if parallel and beside:
            groups[-1].append(call)
        else:
            groups.append([call])
        beside = parallel
    return groups
