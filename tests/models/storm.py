"""Calls without end to two servers on which everything goes wrong that can, all from one seed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from harness.config.priority import Priority
from harness.config.settings import LimitSettings, ModelProfile, PoolSettings
from harness.models.books import Books
from harness.models.ledger.ledger import Ledger
from harness.models.limits.limits import Limits
from harness.models.metered import Metered, Terms
from harness.models.ollama import OllamaModel
from harness.models.ollama_host import OllamaHost
from harness.models.patience import Timeouts
from harness.models.pool.pool import Pool
from harness.models.port import ModelError
from tests.doubles.ollama import Answer, Fault, Load, OllamaDouble, Rules, Trouble, Weights
from tests.doubles.ollama.double import Call
from tests.models.pool.using import request
from tests.virtual_http import VirtualClock

T = TypeVar("T")

GIB = 1 << 30
MODELS = ("a:1b", "b:1b", "c:1b")
AGENTS = ("scout", "writer", "nova")
TIMES = Timeouts(load=30.0, first_token=10.0, idle=10.0)
POOL = PoolSettings(batch=8)
RULES = Rules(parallel=2, memory=16 * GIB)  # for two of the three models
AT_ONCE = 32  # calls
PIECES = 3  # of each answer
# the most by which a slot can be held: a model loaded by its call, and a silence before each piece
LONGEST_HELD = TIMES.load + TIMES.first_token + TIMES.look + PIECES * TIMES.idle + TIMES.close


class Weather:
    """What befalls requests, answers and loads; `seen` counts what did."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.is_foul = True
        self.seen: Counter[str] = Counter()

    def trouble(self, call: Call) -> Trouble | None:
        if not self.strikes(0.06):
            return None
        return self.noted(call.path, self.random.choice(list(Trouble)))

    def answer(self, body: Mapping[str, Any]) -> Answer:
        random = self.random
        answer = Answer("Word by word by word.", first_after=random.uniform(0, 3), piece_after=0.3)
        if not self.strikes(0.3):
            return answer
        fault = self.noted("answer", random.choice(list(Fault)))
        return answer.but(fault=fault, fault_after=random.randrange(PIECES + 1))

    def fate(self, weights: Weights) -> Load:
        if not self.strikes(0.15):
            return Load(seconds=2.0)
        load = self.random.choice([Load(seconds=3600.0), Load(seconds=3.0, crash="killed")])
        self.noted("load", load.crash or "for ever")
        return load

    def told(self, truth: dict[str, Any]) -> dict[str, Any]:
        if not self.strikes(0.1):
            return truth
        held = [{"model": model, "size": GIB} for model in self.random.sample(MODELS, 2)]
        return {"models": self.noted("told", self.random.choice([[], held]))}

    def strikes(self, chance: float) -> bool:
        return self.is_foul and self.random.random() < chance

    def noted(self, where: str, what: T) -> T:
        self.seen[f"{where}: {what}"] += 1
        return what


@dataclass
class Storm:
    """A pool of two servers in foul weather, and how the calls to it ended."""

    seed: int
    folder: Path
    ends: Counter[str] = field(default_factory=Counter)  # "reply", "cancelled", or the error
    held: float = 0.0  # the longest that a slot was seen to be held, in seconds
    strange: list[BaseException] = field(default_factory=list)  # what is no error of the port

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        self.random = Random(self.seed)
        self.weather = Weather(self.random)
        self.servers = [self.server() for _ in range(2)]

    def server(self) -> OllamaDouble:
        models = [Weights(name, size=5 * GIB) for name in MODELS]
        double = OllamaDouble(models, rules=RULES, clock=self.clock, answers=self.weather.answer)
        double.trouble, double.told = self.weather.trouble, self.weather.told
        double.engine.fate = self.weather.fate
        return double

    def open(self) -> None:
        """The pool and its models, once the servers listen."""
        names = ("local", "second")
        hosts = [
            OllamaHost(server.url, name=name, slots=RULES.parallel, memory=RULES.memory)
            for server, name in zip(self.servers, names, strict=True)
        ]
        self.pool = Pool(hosts, POOL, self.clock, TIMES)
        self.ledger = Ledger(self.folder / "ledger.db", self.clock)
        limits = LimitSettings(tokens=10**9)
        self.limits = Limits(limits, lambda day, zone: {}, self.clock, UTC)
        self.models = [self.model(name) for name in MODELS]

    def model(self, name: str) -> Metered:
        model = OllamaModel(self.pool, name, clock=self.clock)
        terms = Terms.of(name, ModelProfile(provider="ollama", model=name))
        return Metered(model, Books(self.ledger, self.limits), terms, self.clock)

    async def aclose(self) -> None:
        for model in self.models:
            await model.aclose()
        await self.pool.aclose()
        await self.ledger.aclose()

    @property
    def calls(self) -> int:
        return self.ends.total()

    @property
    def befallen(self) -> int:
        """Calls that came to no good end."""
        return self.calls - self.ends["reply"]

    async def rage(self, calls: int) -> None:
        """Until so many calls were befallen; then all is well again."""
        others = [asyncio.create_task(self.upset(server)) for server in self.servers]
        try:
            await asyncio.gather(*(self.ask_until(calls) for _ in range(AT_ONCE)))
        finally:
            self.weather.is_foul = False
            for each in others:
                each.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            for server in self.servers:
                await server.back()

    async def ask_until(self, calls: int) -> None:
        while self.befallen < calls:
            self.ends[await self.ask()] += 1
            self.watch()

    async def ask(self) -> str:
        random = self.random
        model, agent = random.choice(self.models), random.choice(AGENTS)
        (priority,) = random.choices(list(Priority), (1, 8, 4))
        call = asyncio.create_task(model.chat(request(agent=agent, priority=priority), silent))
        if random.random() < 0.15:
            await asyncio.wait({call}, timeout=random.expovariate(1 / 15))
            call.cancel()
        try:
            await call
        except ModelError as error:
            return type(error).__name__
        except asyncio.CancelledError:
            return "cancelled"
        except Exception as error:
            self.strange.append(error)
        return "reply"

    async def upset(self, server: OllamaDouble) -> None:
        """It goes away and comes back, and others use it."""
        while True:
            await asyncio.sleep(self.random.expovariate(1 / 60))
            deed = self.random.choice(["away", "evicted", "removed"])
            self.weather.noted("server", deed)
            model = server.weights[self.random.choice(MODELS)]
            match deed:
                case "away":
                    await server.away()
                    await asyncio.sleep(self.random.uniform(0, 20))
                    await server.back()
                case "evicted":
                    server.engine.unload(model)
                case "removed":
                    server.engine.unload(server.weights.pop(model.full_name))
                    await asyncio.sleep(self.random.uniform(0, 20))
                    server.weights[model.full_name] = model

    def watch(self) -> None:
        """See how long slots are held."""
        hosts = self.pool.snapshot().hosts
        held = [call.seconds for h in hosts for each in h.residents for call in each.running]
        self.held = max([self.held, *held])


def silent(_: str | None) -> None:
    """Hears it and says nothing."""
