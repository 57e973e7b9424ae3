"""A host as the pool knows it: as it said at the last look, and what we did since."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from harness.clock import Clock
from harness.models.ollama_host import Loaded, OllamaHost, full_name
from harness.models.pool.held import Held
from harness.models.pool.room import Room
from harness.models.pool.view import Spec
from harness.models.port import ModelError, ModelUnavailable

LOOK_SECONDS = 5.0  # in which a server must say what it holds
FRESH_SECONDS = 3.0  # others load and evict too: a load is decided on a look no older than this
SURE_SECONDS = 60.0  # a model that was not used for so long is looked for before it is asked
DISK_SECONDS = 60.0  # between two looks at what is on the disk
REST_SECONDS = 10.0  # what failed, a host or a model of it, is left to those without another

Trouble = tuple[float, ModelError]  # until when, and why


class Server:
    """A host as the pool knows it. What is changed here, the pool changes."""

    def __init__(self, host: OllamaHost, clock: Clock) -> None:
        self.host = host
        self.clock = clock
        self.room = Room(host, clock)
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
        self.looked = self.disk_looked = float("-inf")
        self.looking: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def memory(self) -> int | None:
        """For models, in bytes; None: not known, the server decides."""
        return self.room.memory

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
        await self.room.measure(loaded)
        self.take(loaded)

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
        self.room.note_together([held.size or 0 for held in self.held.values()])

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
            self.room.note(Spec(model, held.num_ctx), told.size)
        return held

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
            self.room.note_full()

    def used(self) -> int:
        return sum(held.size or 0 for held in self.held.values())

    def need(self, spec: Spec) -> int | None:
        """The bytes that a model takes; None: not known."""
        file = None if self.disk is None else self.disk.get(spec.model)
        return self.room.need(spec, file)

    def surely_fits(self, spec: Spec) -> bool:
        """Whether the server need not make room for a model, as far as sizes are known."""
        return not self.held or self.room.surely_fits(spec, self.need(spec), self.used())

    def over(self) -> float | None:
        """When the load that is under way is done, if it takes as long as the last one."""
        took = None if self.loading is None else self.took.get(self.loading)
        return None if took is None else self.began + took
