"""A hook that is a Python function: called with the facts, in a thread of its own.

None is fine; a text, or raising `Block`, blocks with that reason; all else warns.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from operator import attrgetter
from typing import Any

from harness.errors import HarnessError
from harness.hooks.verdict import PASSED, Block, Call, Verdict, blocked, warned

GROUP = "harness.hooks"
MOST_LOST = 4  # threads of one hook that ran past their time and still run

Target = Callable[[dict[str, Any]], object]


class Unloadable(HarnessError):
    """There is no such function, or its module cannot be imported."""


def load(name: str) -> Target:
    """The function that `module:function`, or the name of an entry point, means.

    Imports its module. Raises Unloadable.
    """
    try:
        target = found(name)
    except (Exception, SystemExit) as error:  # the boundary: a module may do anything
        raise Unloadable(f"it cannot be loaded: {type(error).__name__}: {error}") from error
    if not callable(target) or inspect.iscoroutinefunction(target):
        raise Unloadable(f"it cannot be called: {name} is no plain function")
    return target  # type: ignore[no-any-return]


def found(name: str) -> Any:
    module, colon, attribute = name.partition(":")
    if colon:
        return attrgetter(attribute)(import_module(module))
    matching = entry_points(group=GROUP, name=name)
    if not matching:
        raise Unloadable(f"no installed package has an entry point `{name}` in {GROUP}")
    return next(iter(matching)).load()


class Function:
    """A loaded function. One that runs past its time cannot be ended, only left alone."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.threads: list[threading.Thread] = []

    async def ask(self, call: Call) -> Verdict:
        """Call it with the facts. Cancelling leaves its thread behind; too many are too many."""
        self.threads = [thread for thread in self.threads if thread.is_alive()]
        if len(self.threads) >= MOST_LOST:
            return warned(f"it is not called: {MOST_LOST} calls of it have not come back")
        answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        # a daemon's thread: nobody waits for it at the end
        thread = threading.Thread(
            target=answering, args=(self.target, call, answer), name="hook", daemon=True
        )
        thread.start()
        try:
            return await answer
        except asyncio.CancelledError:
            self.threads.append(thread)
            raise


def answering(target: Target, call: Call, answer: asyncio.Future[Verdict]) -> None:
    verdict = judged(target, json.loads(call.payload))
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        answer.get_loop().call_soon_threadsafe(partial(settle, answer, verdict))


def settle(answer: asyncio.Future[Verdict], verdict: Verdict) -> None:
    if not answer.done():
        answer.set_result(verdict)


def judged(target: Target, facts: dict[str, Any]) -> Verdict:
    try:
        said = target(facts)
    except Block as block:
        return blocked(str(block))
    except BaseException as error:  # the boundary: it may raise anything, SystemExit too
        return warned(f"it raised {type(error).__name__}: {error}")
    if said is None:
        return PASSED
    if isinstance(said, str):
        return blocked(said)
    return warned(f"it returned {type(said).__name__}; None is fine, a text blocks")
