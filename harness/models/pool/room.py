"""What fits into a host's memory: what it has for models, and what each of them takes."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from math import ceil

import structlog

from harness.clock import Clock
from harness.models.ollama_host import Loaded, OllamaHost
from harness.models.pool.gpu import cards, is_here
from harness.models.pool.view import Spec

log = structlog.get_logger("pool")

DRIVER_SECONDS = 5.0  # in which the driver of the GPU must answer
FULL_SECONDS = 3600.0  # in which it is remembered that the server had to make room by itself
FREE_SHARE = 0.8  # of the free memory: the server evicts for a model that takes more (wire facts)
GUESS = 1.1  # times its file, until a model was seen in memory
KEPT = 2.8e-5  # of its file: keys and values of a token; a dense model of 8 billion in four bits


class Room:
    """As the settings, the driver, and what was seen in memory tell it."""

    def __init__(self, host: OllamaHost, clock: Clock) -> None:
        self.host = host
        self.clock = clock
        self.sizes: dict[Spec, int] = {}  # in memory, as seen; known until the process ends
        self.together = 0  # the most bytes that were seen in memory at once
        self.enough = 0  # a memory of which these would count as all that fits
        self.measured: int | None = None  # the memory for models, as the driver told it
        self.is_mute = False  # the driver did not answer
        self.full_until = float("-inf")  # till then no more than `together` is taken to fit

    @property
    def memory(self) -> int | None:
        """For models, in bytes: as the settings or the driver say; less where the server was seen
        to make room that we thought was there. None: not known, the server decides."""
        if self.clock.monotonic() < self.full_until:
            return self.enough
        return self.host.memory if self.host.memory is not None else self.measured

    async def measure(self, loaded: Sequence[Loaded]) -> None:
        """Ask the driver of this machine's GPUs, where the settings say nothing. One that hangs,
        as with a card that has failed, is not asked again."""
        if self.host.memory is not None or self.is_mute or not is_here(self.host.base_url):
            return
        try:
            async with asyncio.timeout(DRIVER_SECONDS):
                self.measured = await asyncio.to_thread(gpu_memory, loaded)
        except TimeoutError:
            self.is_mute = True
            log.warning("the driver of the GPU does not answer", host=self.host.name)

    def note(self, spec: Spec, size: int) -> None:
        """Remember what a model takes."""
        self.sizes[spec] = size

    def note_together(self, sizes: Collection[int]) -> None:
        """Remember how much lay there at once. Any of them must count as fitting beside the rest,
        though a model counts so only with FREE_SHARE of what is free."""
        used = sum(sizes)
        if used > self.together:
            self.together = used
            self.enough = ceil(used + max(sizes) * (1 / FREE_SHARE - 1))

    def note_full(self) -> None:
        """The server made room by itself: what lay there at once was all that fits."""
        self.full_until = self.clock.monotonic() + FULL_SECONDS

    def need(self, spec: Spec, file: int | None) -> int | None:
        """The bytes that a model takes, as seen, else as its file lets us guess; None: not known.
        `file`: the bytes of that, None where nobody told them."""
        size = self.sizes.get(spec)
        if size is None and file is not None:
            size = estimate(file, spec.num_ctx * self.host.slots)
        return size

    def surely_fits(self, spec: Spec, need: int | None, used: int) -> bool:
        """Whether a model fits beside `used` bytes of others, as far as sizes are known."""
        if need is not None and self.memory is not None:
            return used + need / FREE_SHARE <= self.memory
        size = self.sizes.get(spec)
        return size is not None and used + size <= self.together


def estimate(file: int, tokens: int) -> int:
    """Bytes in memory of a model that was never seen there, from the bytes of its file and the
    tokens of all its slots. Rather too much: a server that has no room for it holds up all others
    until a busy model is idle, and it is known better as soon as it was loaded once."""
    return int(file * (GUESS + KEPT * tokens))


def gpu_memory(loaded: Iterable[Loaded]) -> int | None:
    """What this machine's GPUs have for models: what is free, and what models hold already."""
    found = cards()
    if found is None:
        return None
    return sum(card.free for card in found) + sum(each.vram or 0 for each in loaded)
