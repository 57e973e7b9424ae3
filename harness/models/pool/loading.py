"""Bringing a model into a host's memory: victims out, the model in, and a look at what is there.

Loads stand apart from calls: a cold load has a time limit of its own, and a caller that hangs up
does not end it for the others.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

import structlog

from harness.models.ollama_host import full_name
from harness.models.pool.held import Held
from harness.models.pool.server import Server
from harness.models.pool.view import Spec
from harness.models.port import ModelError, ModelUnavailable

log = structlog.get_logger("pool")

BACK_SECONDS = 1.5  # after that, in which the driver has the memory back (typically 0.5 to 1.5)
GONE_SECONDS = 5.0  # in which a victim leaves the memory (the server itself waits no longer)
LOOK_AGAIN = (0.02, 0.05, 0.1, 0.2, 0.4)  # seconds between looks whether it has left; then the last
LEAST = "1s"  # keep_alive of a model that is not to stay: 0 in a load would mean to unload it
_ZERO = re.compile(r"[+-]?(?:[0.]+(?:ns|us|µs|μs|ms|s|m|h)?)+", re.ASCII)


@dataclass(frozen=True)
class Order:
    """What is to be loaded, and how."""

    spec: Spec
    model: str  # as its profile names it
    keep_alive: float | str
    embeds: bool
    evict: tuple[str, ...]  # full names
    seconds: float  # that the load itself may take


async def bring(server: Server, order: Order, loaded: Callable[[], None]) -> None:
    """Raises ModelError when the model is not in memory afterwards. `loaded` is told as soon as it
    is there, before anything is looked at. Whoever hangs up before ends the load at the server
    too, and its memory takes a moment to come back."""
    try:
        await clear(server, order.evict)
        await asyncio.sleep(max(server.whole - server.clock.monotonic(), 0.0))
        before = server.in_use()
        await load(server, order)
    except BaseException:
        server.whole = server.clock.monotonic() + BACK_SECONDS
        raise
    loaded()
    now, name = server.clock.monotonic(), order.spec.model
    held = server.held[name] = Held(name, order.spec.num_ctx, sure=now, used=now)
    with suppress(ModelError):  # it answered the load: that it holds the model is believed
        await server.look(disk=False)
        server.learn(before)
    server.held.setdefault(name, held)


async def load(server: Server, order: Order) -> None:
    try:
        async with asyncio.timeout(order.seconds):
            await server.host.load(
                order.model,
                num_ctx=order.spec.num_ctx,
                keep_alive=lasting(order.keep_alive),
                embeds=order.embeds,
            )
    except TimeoutError:
        raise ModelUnavailable(
            f"{order.model} at {server.host.base_url} was silent for {order.seconds:g} s,"
            " the time for loading the model"
        ) from None


async def clear(server: Server, models: Collection[str]) -> None:
    """Have models leave the memory, and see that they did.

    The server forgets a model before its memory is free again: loading at once would cost another
    model its place, or put a part of this one on the CPU. What it does not do, or say, in
    GONE_SECONDS is not waited for: it makes room by itself then.
    """
    if not models:
        return
    try:
        async with asyncio.timeout(GONE_SECONDS):
            await send_away(server, models)
    except (TimeoutError, ModelError):
        log.warning("models stay in memory", host=server.name, models=sorted(models))
        server.is_draining = True
        return
    server.whole = server.clock.monotonic() + BACK_SECONDS


async def send_away(server: Server, models: Collection[str]) -> None:
    """Returns when none of them is there any more. Raises ModelError when that is not told."""
    for model in models:
        with suppress(ModelError):  # whether it left is seen below
            await server.host.unload(model)
    waits = iter(LOOK_AGAIN)
    while await still_there(server, models):
        await asyncio.sleep(next(waits, LOOK_AGAIN[-1]))


async def still_there(server: Server, models: Collection[str]) -> set[str]:
    return {full_name(each.model) for each in await server.host.running()}.intersection(models)


def lasting(keep_alive: float | str) -> float | str:
    """A keep_alive that can be sent with a load."""
    zero = keep_alive == 0 or (isinstance(keep_alive, str) and _ZERO.fullmatch(keep_alive))
    return LEAST if zero else keep_alive
