"""The hosts of the pool: what is known of each, and the looks and loads that are under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

import structlog

from harness.clock import Clock
from harness.models.ollama_errors import missing
from harness.models.ollama_host import OllamaHost
from harness.models.pool.loading import Order, bring
from harness.models.pool.server import Server
from harness.models.pool.state import Counters
from harness.models.pool.view import Line, Spec
from harness.models.port import ModelBusy, ModelError, ModelMissing, ModelUnable, ModelUnavailable

log = structlog.get_logger("pool")

DOUBT_SECONDS = 15.0  # of a load: from then on it may be that the server waits for a busy model
OF_THE_MODEL = (ModelBusy, ModelMissing, ModelUnable)  # errors that say nothing of the host itself


class Fleet:
    """`changed` is called whenever there is something new to decide."""

    def __init__(
        self, hosts: Sequence[OllamaHost], clock: Clock, changed: Callable[[], None]
    ) -> None:
        self.clock = clock
        self.changed = changed
        self.servers = {host.name: Server(host, clock) for host in hosts}
        self.counters = Counters()
        self.loaded: Callable[[str, Order, float], None] = lambda host, order, seconds: None
        self._tasks: set[asyncio.Task[None]] = set()
        self._farewells: set[asyncio.Task[None]] = set()  # to hosts that are of the pool no more

    def of(self, hosts: frozenset[str] | None) -> list[Server]:
        """Those of the names that there are; all for None."""
        return [each for name, each in self.servers.items() if hosts is None or name in hosts]

    def names(self, hosts: frozenset[str] | None) -> frozenset[str]:
        """Those of them that there are."""
        return frozenset(name for name in self.servers if hosts is None or name in hosts)

    def trouble(self, server: Server, spec: Spec, *, others: bool) -> ModelError | None:
        """Why a host does not serve a model just now. Whether it is on the disk is known, and
        asked, only where there are `others`: a single host says so itself."""
        if (trouble := server.trouble(spec)) is not None:
            return trouble
        if others and server.disk is not None and server.lacks(spec.model):
            return missing(server.host.base_url, spec.model, sorted(server.disk))
        return None

    def is_known(self, server: Server, model: str) -> bool:
        """Whether the host can be chosen; if not, it is being asked what it holds."""
        if server.looking is None and server.must_look(model, disk=self.wants_disk(server)):
            self.look(server)
        return server.looking is None

    def wants_disk(self, server: Server) -> bool:
        return len(self.servers) > 1 or server.memory is not None

    def look(self, server: Server) -> None:
        if server.looking is None:
            server.looking = self.start(self._look(server), f"look at {server.name}")
            server.looking.add_done_callback(lambda _: self._looked(server))

    async def look_now(self, server: Server) -> None:
        """See to it that what is known of a host is fresh, or that it rests."""
        if not server.is_fresh():
            self.look(server)
        if server.looking is not None:
            await asyncio.wait({server.looking})

    async def _look(self, server: Server) -> None:
        try:
            await server.look(disk=self.wants_disk(server))
        except ModelError as error:
            server.rest(error)
        except Exception as error:  # the boundary: else it would be asked again without end
            log.exception("a look at a host broke", host=server.name)
            server.rest(ModelUnavailable(f"{server.host.base_url} cannot be looked at: {error!r}"))

    def _looked(self, server: Server) -> None:
        server.looking = None
        self.changed()

    def load(self, server: Server, order: Order, *, is_wanted: bool) -> None:
        """Begin to load a model. No other load begins at the host until it is over; one that
        `is_wanted` ends when nobody waits for it any more."""
        for model in order.evict:
            server.held.pop(model, None)
        server.held.pop(order.spec.model, None)
        server.is_draining = not server.surely_fits(order.spec)
        server.loading, server.began = order.spec, self.clock.monotonic()
        server.leaving, server.early = frozenset(order.evict), not is_wanted
        self.counters.evictions += len(order.evict)
        work = self._load(server, order)
        server.bringing = self.start(work, f"load {order.model} at {server.name}")
        doubt = asyncio.get_running_loop().call_later(DOUBT_SECONDS, server.drain)
        server.bringing.add_done_callback(lambda _: doubt.cancel())
        server.bringing.add_done_callback(lambda _: self._brought(server))
        log.info("a model is loaded", host=server.name, model=order.model, out=list(order.evict))

    async def _load(self, server: Server, order: Order) -> None:
        error = await self._bring(server, order)
        server.leaving = frozenset()
        if error is not None:
            await self._failed(server, order.spec, error)

    def _brought(self, server: Server) -> None:
        """A load is over, whichever way; also one that was broken off before it began."""
        if server.ending:
            server.doubt()  # what it still has, and what it has already, it alone knows
        server.end_load()
        self.changed()

    async def _bring(self, server: Server, order: Order) -> ModelError | None:
        """None once the model is loaded, else why it is not."""
        try:
            await bring(server, order, lambda: self._done(server, order))
        except ModelError as error:
            return error
        except Exception as error:  # the boundary: else it would be loaded again without end
            log.exception("a load broke", host=server.name, model=order.model)
            return ModelError(f"{order.model} breaks {server.host.base_url}: {error!r}")
        return None

    def _done(self, server: Server, order: Order) -> None:
        seconds = self.clock.monotonic() - server.began
        self.counters.loads += 1
        server.took[order.spec] = seconds
        try:
            self.loaded(server.name, order, seconds)
        except Exception:  # the boundary: that a load is not written down is no harm to it
            log.exception("a load is not written down", host=server.name, model=order.model)

    async def _failed(self, server: Server, spec: Spec, error: ModelError) -> None:
        """Find out whether it is the host that is away, or the model that cannot be loaded."""
        log.warning("a model is not loaded", host=server.name, model=spec.model, reason=str(error))
        self.counters.failed_loads += 1
        server.doubt()
        if isinstance(error, OF_THE_MODEL) or not isinstance(error, ModelUnavailable):
            server.refuse(spec, error)
            return
        try:
            await server.look(disk=False)
        except Exception:  # the boundary, as above
            server.rest(error)
        else:
            server.refuse(spec, error)

    def give_up_loads(self, lines: Sequence[Line]) -> None:
        """End loads that nobody waits for where others do; hanging up ends them at the server."""
        for server in self.servers.values():
            waiting = [line.spec.model for line in lines if server.name in line.hosts]
            idle = server.loading and server.loading.model not in waiting
            if idle and waiting and not server.early:
                self.give_up_load(server)

    def give_up_load(self, server: Server) -> None:
        """End a load. Once: a second time would break into the closing of its connection, and the
        server would go on with it."""
        if server.bringing is not None and not server.ending:
            server.ending = True
            server.bringing.cancel()

    def break_off(self, server: Server) -> None:
        """End a load for the sake of another one."""
        self.counters.broken_off += 1
        self.give_up_load(server)

    def rests_end(self) -> list[float]:
        """When hosts, and models of theirs, that failed may be tried again."""
        return [end for server in self.servers.values() for end in server.rests_end()]

    def apply(self, hosts: Iterable[OllamaHost]) -> None:
        """Go over to other hosts; what is known of one that stays, stays."""
        before = self.servers
        self.servers = {host.name: self._taken_over(host) for host in hosts}
        for server in before.values():
            if self.servers.get(server.name) is not server:
                self.give_up_load(server)
                self.dismissed(server)

    def _taken_over(self, host: OllamaHost) -> Server:
        server = self.servers.get(host.name)
        if server is None or server.host.base_url != host.base_url:
            return Server(host, self.clock)
        known = server.host
        known.slots, known.models, known.memory = host.slots, host.models, host.memory
        return server

    def dismissed(self, server: Server) -> None:
        """Hang up on a host that is no longer of the pool, once no call is under way there."""
        if not server.running and self.servers.get(server.name) is not server:
            farewell = self.start(hang_up(server), f"hang up on {server.name}")
            self._farewells.add(farewell)
            farewell.add_done_callback(self._farewells.discard)

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def aclose(self) -> None:
        for task in self._tasks - self._farewells:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self.servers.values():
            await hang_up(server)


async def hang_up(server: Server) -> None:
    """Close its connections, once it is over what was to be loaded there."""
    if server.bringing is not None:
        await asyncio.wait({server.bringing})
    try:
        await server.host.aclose()
    except Exception:  # the boundary: others are to be closed too
        log.exception("a host's connections are not closed", host=server.name)
