"""The model profiles of harness.yaml, made into models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from harness.clock import Clock
from harness.config.base_url import is_at_home
from harness.config.settings import ModelProfile, ModelsSettings
from harness.models.books import Books
from harness.models.chain import FallbackModel, Link
from harness.models.embed import Embedder, OllamaEmbedder
from harness.models.extractive import ExtractiveModel
from harness.models.gauge import Gauge
from harness.models.ledger.call import ModelLoad
from harness.models.metered import Metered, Terms
from harness.models.metered_embedder import MeteredEmbedder
from harness.models.ollama import OllamaModel
from harness.models.openai import OpenAIModel
from harness.models.openai.key import Key
from harness.models.pool.loading import Order
from harness.models.pool.making import pool_of, seconds
from harness.models.pool.pool import Pool
from harness.models.port import Model
from harness.models.rest import Rest
from harness.models.scripted import ScriptedModel
from harness.models.unusable import UnusableModel


@dataclass(frozen=True)
class Way:
    """How models that are not our own are reached: where their keys lie, and through what."""

    environment: Mapping[str, str] | None = field(default=None, repr=False)  # absent: our own
    proxy: str | None = None  # http://host:port, for addresses outside the own network


class Models:
    """Each profile's model with its fallbacks, built at its first use.

    Profiles that share a fallback share the model, and models of one server its connections.
    """

    def __init__(
        self,
        settings: ModelsSettings,
        clock: Clock,
        root: Path,
        books: Books | None = None,
        way: Way | None = None,
        pool: Pool | None = None,
    ) -> None:
        """`root` is where the scripts of scripted profiles are looked for. Without `books` nothing
        is written down and nothing limited. `pool`: that of earlier settings, to go on with."""
        self.settings = settings
        self.clock = clock
        self.root = root
        self.books = books or Books()
        self.way = way or Way()
        self.pool = pool_of(settings, clock, pool)
        self.pool.join()
        self.pool.fleet.loaded = self.note_load
        self.gauges: defaultdict[str, Gauge] = defaultdict(Gauge)  # by provider/model
        self.built: dict[str, Model] = {}
        self.links: dict[str, Link] = {}
        self.chains: dict[str, FallbackModel] = {}

    def get(self, profile: str | None) -> FallbackModel:
        """The model of a profile, the default one for None. Raises KeyError."""
        name = profile or self.settings.default
        if name not in self.chains:
            links = [self.link(each) for each in self.settings.chain(name)]
            self.chains[name] = FallbackModel(links, self.clock)
        return self.chains[name]

    def link(self, name: str) -> Link:
        if name not in self.links:
            profile = self.settings.profiles[name]
            model = self.built[name] = self.build(name, profile)
            metered = Metered(model, self.books, Terms.of(name, profile), self.clock)
            self.links[name] = Link(metered, Rest(self.clock), profile.over_limit)
        return self.links[name]

    def build(self, name: str, profile: ModelProfile) -> Model:
        gauge = self.gauges[f"{profile.provider}/{profile.model}"]
        match profile.provider:
            case "ollama":
                return OllamaModel(
                    self.pool,
                    profile.model,
                    clock=self.clock,
                    hosts=only(profile.host),
                    num_ctx=profile.num_ctx,
                    options={}
                    if profile.temperature is None
                    else {"temperature": profile.temperature},
                    keep_alive=profile.keep_alive,
                    gauge=gauge,
                )
            case "openai" if profile.base_url is not None:
                far = not is_at_home(urlsplit(profile.base_url).hostname or "")
                return OpenAIModel(
                    profile.base_url,
                    profile.model,
                    Key(profile.api_key, self.way.environment),
                    clock=self.clock,
                    num_ctx=profile.num_ctx,
                    temperature=profile.temperature,
                    slots=profile.slots,
                    timeouts=seconds(self.settings.timeouts),
                    proxy=self.way.proxy if far else None,
                    gauge=gauge,
                )
            case "extractive":
                return ExtractiveModel(self.clock)
            case "scripted" if profile.script is not None:
                return ScriptedModel.load(self.root / profile.script)
            case _:
                return UnusableModel(f"{profile.provider}/{profile.model}", why_not(name, profile))

    @cached_property
    def embedder(self) -> Embedder | None:
        """What says what texts mean; None when the settings name no model for it."""
        embed = self.settings.embed
        if embed is None:
            return None
        first = self.settings.hosts[0].name  # always the same: its vectors are of one make
        embedder = OllamaEmbedder(self.pool, embed.model, only(embed.host or first))
        return MeteredEmbedder(embedder, self.books, self.clock)

    def note_load(self, host: str, order: Order, seconds: float) -> None:
        """Write down that a model was loaded, and who had to leave for it."""
        ledger, spec = self.books.ledger, order.spec
        load = (host, spec.model, spec.num_ctx, seconds, order.evict)
        ledger.note(ModelLoad(ledger.ids(), self.clock.now(), *load))

    async def aclose(self) -> None:
        for model in self.built.values():
            await model.aclose()
        if self.embedder is not None:
            await self.embedder.aclose()
        await self.pool.leave()


def only(host: str | None) -> frozenset[str] | None:
    """The hosts that may serve a profile: the one that it names, or any."""
    return None if host is None else frozenset({host})


def why_not(name: str, profile: ModelProfile) -> str:
    if profile.provider == "scripted":
        return f"model profile `{name}` is scripted and names no `script`"
    return f"model profile `{name}`: provider {profile.provider} is not in this version yet"
