"""What one host holds: as it said at the last look, and what we did since."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

import structlog

from harness.clock import Clock
from harness.models.ollama_host import Loaded, OllamaHost, full_name
from harness.models.pool.gpu import cards, is_here
from harness.models.pool.seat import Slot
from harness.models.pool.view import HostView, Resident, Running, Spec
from harness.models.port import ModelError, ModelUnavailable

log = structlog.get_logger("pool")

LOOK_SECONDS = 5.0  # in which a server must say what it holds
FRESH_SECONDS = 3.0  # others load and evict too: a load is decided on a look no older than this
FORGOTTEN = 600.0  # seconds after which a task that was to ask again is not waited for
SURE_SECONDS = 60.0  # a model that was not used for so long is looked for before it is asked
DISK_SECONDS = 60.0  # between two looks at what is on the disk
REST_SECONDS = (
    10.0  # in which a host, or a model of it, that failed is left to those without another
)
FULL_SECONDS = 3600.0  # in which it is remembered that the server had to make room by itself
FREE_SHARE = 0.8  # of the free memory: the server evicts for a model that takes more (wire facts)
GUESS = 1.1  # times its file, until a model was seen in memory
KEPT = 2.8e-5  # of its file: keys and values of a token; a dense model of 8 billion in four bits

Trouble = tuple[float, ModelError]  # until when, and why


@dataclass(eq=False)
class Held:
    """A model in the memory of a host."""

    model: str
    num_ctx: int  # with which it was loaded, and so must be asked
    context: int | None = None  # what the server makes of that
    size: int | None = None
    sure: float = float("-inf")  # when it was last known to be there
    used: float = 0.0
    served: int = 0  # calls begun in a row while the host is contended
    draining: bool = False
    running: dict[int, Slot] = field(default_factory=dict)
    awaited: dict[str, float] = field(default_factory=dict)  # tasks that ask again: since when

    def ended(self, slot: Slot, now: float) -> None:
        """A call gave its slot back; its task may be about to ask again."""
        self.running.pop(slot.id, None)
        self.used = now
        self.awaited = {task: at for task, at in self.awaited.items() if now - at < FORGOTTEN}
        if slot.goes_on and slot.wish.asker.task:
            self.awaited[slot.wish.asker.task] = now

    def begun(self, slot: Slot) -> None:
        self.running[slot.id] = slot
        self.awaited.pop(slot.wish.asker.task or "", None)

    def serves(self, num_ctx: int) -> bool:
        return num_ctx <= max(self.num_ctx, self.context or 0)


class Server:
    """A host as the pool knows it. What is changed here, the pool changes."""

    def __init__(self, host: OllamaHost, clock: Clock) -> None:
        self.host = host
        self.clock = clock
        self.held: dict[str, Held] = {}  # by the model's full name
        self.loading: Spec | None = None
        self.began = 0.0  # when that load began
        self.ending = False  # it is broken off
        self.early = False  # nobody waits for it yet
        self.bringing: asyncio.Task[None] | None = None
        self.leaving: frozenset[str] = frozenset()  # models that go for it, as long as they do
        self.took: dict[Spec, float] = {}  # seconds of the last load of each that was done
        self.whole = float("-inf")  # when the memory is back of what left
        self.is_draining = False  # the load may wait for a busy model to become idle
        self.loads: dict[Spec, tuple[float, float]] = {}  # the last of each: from, until
        self.away: Trouble | None = None
        self.refused: dict[Spec, Trouble] = {}
        self.disk: Mapping[str, int] | None = None  # bytes of each model, once it was asked
        self.sizes: dict[Spec, int] = {}  # in memory, as seen; known until the process ends
        self.together = 0  # the most bytes that were seen in memory at once
        self.enough = 0  # a memory of which these would count as all that fits
        self.measured: int | None = None  # the memory for models, as the driver told it
        self.is_mute = False  # the driver did not answer
        self.full_until = float("-inf")  # till then no more than `together` is taken to fit
        self.looked = self.disk_looked = float("-inf")
        self.looking: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def memory(self) -> int | None:
        """For models, in bytes: as the settings or the driver say; less where the server was seen
        to make room that we thought was there. None: not known, the server decides."""
        if self.clock.monotonic() < self.full_until:
            return self.enough
        return self.host.memory if self.host.memory is not None else self.measured

    @property
    def running(self) -> int:
        return sum(len(held.running) for held in self.held.values())

    def trouble(self, spec: Spec) -> ModelError | None:
        """Why this host does not serve the model just now."""
        now = self.clock.monotonic()
        for trouble in (self.away, self.refused.get(spec)):
            if trouble is not None and now < trouble[0]:
                return trouble[1]
        return None

    def try_again(self, spec: Spec) -> None:
        self.away = None
        self.refused.pop(spec, None)

    def rest(self, error: ModelError) -> None:
        """It does not answer: nothing is known of it any more."""
        self.away = (self.clock.monotonic() + REST_SECONDS, error)
        self.looked = float("-inf")
        self.held = {name: held for name, held in self.held.items() if held.running}

    def refuse(self, spec: Spec, error: ModelError) -> None:
        self.refused[spec] = (self.clock.monotonic() + REST_SECONDS, error)

    def rests_end(self) -> list[float]:
        troubles = [*self.refused.values(), *([self.away] if self.away else [])]
        return [until for until, _ in troubles]

    def load_seconds(self, model: str, since: float) -> float:
        """How much of the time since a moment the model's last load took."""
        spans = [span for spec, span in self.loads.items() if spec.model == model]
        began, ended = max(spans, default=(0.0, 0.0))
        return max(ended - max(began, since), 0.0)

    def end_load(self) -> None:
        if self.loading is not None:
            self.loads[self.loading] = (self.began, self.clock.monotonic())
        self.loading, self.bringing, self.leaving = None, None, frozenset()
        self.is_draining = self.ending = self.early = False

    def drain(self) -> None:
        """The load that is under way may be waiting for a busy model."""
        self.is_draining = True

    def doubt(self) -> None:
        """Something went wrong: what it holds must be looked at before it is asked again."""
        self.looked = float("-inf")

    def must_look(self, model: str, *, disk: bool) -> bool:
        """Whether it must be asked what it holds before the model is asked there."""
        now, held = self.clock.monotonic(), self.held.get(model)
        if self.looked == float("-inf") or (disk and self.disk is None):
            return True
        return held is not None and not held.running and now - held.sure > SURE_SECONDS

    def is_fresh(self) -> bool:
        return self.clock.monotonic() - self.looked <= FRESH_SECONDS

    def lacks(self, model: str) -> bool:
        """Whether it is known that the model is not on its disk."""
        return self.disk is not None and model not in self.disk

    async def look(self, *, disk: bool) -> None:
        """Ask what it holds, and with `disk` what it could load. Raises ModelUnavailable, whatever
        it refuses: nobody asked for anything but what it holds."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                loaded = await self.host.running()
                now = self.clock.monotonic()
                if disk and now - self.disk_looked > DISK_SECONDS:
                    await self.look_at_disk()
        except TimeoutError:
            raise ModelUnavailable(
                f"{self.host.base_url} does not answer within {LOOK_SECONDS:g} s"
            ) from None
        except ModelError as error:
            if isinstance(error, ModelUnavailable):
                raise
            raise ModelUnavailable(str(error), hint=error.hint) from error
        if self.host.memory is None and is_here(self.host.base_url):
            await self.measure(loaded)
        self.take(loaded)

    async def measure(self, loaded: Sequence[Loaded]) -> None:
        """Ask the driver. One that hangs, as with a card that has failed, is not asked again."""
        if self.is_mute:
            return
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                self.measured = await asyncio.to_thread(gpu_memory, loaded)
        except TimeoutError:
            self.is_mute = True
            log.warning("the driver of the GPU does not answer", host=self.name)

    async def look_at_disk(self) -> None:
        sizes = await self.host.sizes()
        self.disk = {full_name(model): size for model, size in sizes.items()}
        self.disk_looked = self.clock.monotonic()

    def take(self, loaded: Sequence[Loaded]) -> None:
        """Believe what the server says it holds."""
        now = self.clock.monotonic()
        told = {full_name(each.model): each for each in loaded}
        if self.loading is not None and self.loading.model not in self.held:
            told.pop(self.loading.model, None)  # some servers name it before it is there
        told = {name: each for name, each in told.items() if name not in self.leaving}
        in_use = {name: held for name, held in self.held.items() if held.running}
        self.held = in_use | {name: self.known(name, each, now) for name, each in told.items()}
        self.looked, self.away = now, None
        self.note_together()

    def known(self, model: str, told: Loaded, now: float) -> Held:
        held = self.held.get(model)
        if held is None:
            held = Held(model, told.num_ctx or 0, told.num_ctx, used=now)
        elif held.context is None:
            held.context = told.num_ctx
        elif told.num_ctx not in (None, held.context):  # another program had it loaded anew
            held.num_ctx = held.context = told.num_ctx or 0
        held.size, held.sure = told.vram or told.size, now
        if told.size:
            self.sizes[Spec(model, held.num_ctx)] = told.size
        return held

    def note_together(self) -> None:
        """Remember how much lay there at once. Any of them must count as fitting beside the rest,
        though a model counts so only with FREE_SHARE of what is free."""
        used, sizes = self.used(), [held.size or 0 for held in self.held.values()]
        if used > self.together:
            self.together = used
            self.enough = ceil(used + max(sizes) * (1 / FREE_SHARE - 1))

    def in_use(self) -> set[str]:
        """The models that the server has no reason to unload but for want of room."""
        now = self.clock.monotonic()
        return {
            name
            for name, held in self.held.items()
            if held.running or now - held.used < SURE_SECONDS
        }

    def learn(self, before: set[str]) -> None:
        """A load is over: where models are gone that were in use, that was all that fits."""
        if before - self.held.keys():
            self.full_until = self.clock.monotonic() + FULL_SECONDS

    def used(self) -> int:
        return sum(held.size or 0 for held in self.held.values())

    def need(self, spec: Spec) -> int | None:
        """The bytes that a model takes; None: not known."""
        size = self.sizes.get(spec)
        if size is None and self.disk is not None and spec.model in self.disk:
            size = estimate(self.disk[spec.model], spec.num_ctx * self.host.slots)
        return size

    def surely_fits(self, spec: Spec) -> bool:
        """Whether the server need not make room for a model, as far as sizes are known."""
        if not self.held:
            return True
        need, size = self.need(spec), self.sizes.get(spec)
        if need is not None and self.memory is not None:
            return self.used() + need / FREE_SHARE <= self.memory
        return size is not None and self.used() + size <= self.together

    def view(
        self, contexts: Mapping[str, int], wanted: Iterable[Spec], rules: ViewRules
    ) -> HostView:
        """As `choose` sees it; a model that serves the context wanted of it counts as that."""
        needs = {spec: self.need(spec) for spec in wanted}
        return HostView(
            name=self.name,
            slots=self.host.slots,
            models=self.host.models,
            memory=self.memory,
            residents=tuple(self.resident(held, contexts, rules) for held in self.held.values()),
            loading=self.loading,
            needs={spec: need for spec, need in needs.items() if need is not None},
            over=self.over(),
            ending=self.ending,
        )

    def over(self) -> float | None:
        """When the load that is under way is done, if it takes as long as the last one."""
        took = None if self.loading is None else self.took.get(self.loading)
        return None if took is None else self.began + took

    def resident(self, held: Held, contexts: Mapping[str, int], rules: ViewRules) -> Resident:
        wanted = contexts.get(held.model, 0)
        spec = Spec(held.model, wanted if held.serves(wanted) else held.num_ctx)
        began, ended = self.loads.get(spec, (0.0, 0.0))
        return Resident(
            spec,
            held.size,
            tuple(rules.running(slot) for slot in held.running.values()),
            held.served,
            held.used,
            (ended - began) or None,
            held.draining,
            rules.due.get(held.model),
            max(held.awaited.values(), default=None),
        )


@dataclass(frozen=True)
class ViewRules:
    """What the pool adds to what a host holds."""

    old: float  # calls that came before this moment are not sent back
    due: Mapping[str, float]  # when the schedule wants a model next

    def running(self, slot: Slot) -> Running:
        may_yield = slot.on_sent_back is not None and not slot.sent_back and slot.came > self.old
        priority = slot.wish.asker.priority
        return Running(slot.id, priority, slot.began, may_yield, slot.is_sent_back)


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
