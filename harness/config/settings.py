"""harness.yaml: the settings of a home. Every key has a default, and the environment wins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from harness.config.base_url import EXAMPLE, parse_base_url
from harness.config.cronfile import Names, one_or_more
from harness.config.document import Document, check
from harness.config.durations import Duration
from harness.config.endpoint import parse_endpoint
from harness.config.environment import overlay
from harness.config.hooks import NOT_YET, Hook, hook_faults
from harness.config.keep_alive import KeepAlive
from harness.config.names import unknown_name
from harness.config.phrases import Phrase
from harness.config.proxy import parse_proxy
from harness.config.rules import KnownTools, Rules, faults_of
from harness.config.secret_ref import SecretRef
from harness.config.sizes import Size
from harness.errors import ConfigError, Problem

PROFILE = "model profile"


def host_and_port(text: str) -> str:
    parse_endpoint(text)
    return text


def host_and_port_of_proxy(text: str) -> str:
    parse_proxy(text)
    return text


BaseUrl = Annotated[str, AfterValidator(parse_base_url)]
HostAndPort = Annotated[str, AfterValidator(host_and_port)]
ProxyUrl = Annotated[str, AfterValidator(host_and_port_of_proxy)]


class Section(BaseModel):
    """A part of the file; what it does not know is a mistake that deserves a word."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Price(Section):
    """What a hosted model costs, for a million tokens, in the currency of `limits.money`."""

    prompt: float = Field(ge=0, allow_inf_nan=False)
    completion: float = Field(ge=0, allow_inf_nan=False)


class ModelProfile(Section):
    """A named way to get an answer: provider, model, options, and what to fall back on."""

    provider: Literal["ollama", "extractive", "scripted", "openai"]
    model: str = ""
    num_ctx: int = Field(default=16_384, ge=1024, le=10_000_000)
    temperature: float | None = Field(default=None, ge=0, le=2)
    keep_alive: KeepAlive | None = None  # absent: that of the pool
    host: str | None = None  # a name from `hosts`; absent: whichever has the model and room
    slots: int = Field(default=4, ge=1, le=10_000)  # of the openai provider: calls at the same time
    price: Price | None = None  # of the openai provider
    over_limit: Literal["fallback", "refuse"] = "fallback"  # when a limit leaves no room
    script: Path | None = None  # of the scripted provider
    base_url: BaseUrl | None = None  # of the openai provider: what stands before /chat/completions
    api_key: SecretRef | None = None  # of the openai provider
    fallback: list[str] = []


class HostSettings(Section):
    """One Ollama server."""

    name: str = "local"
    url: str = "http://127.0.0.1:11434"
    # calls at a time of one model: its OLLAMA_NUM_PARALLEL
    slots: int = Field(default=2, ge=1, le=10_000)
    memory: Size | None = None  # of its GPUs, for models; absent: as the driver tells, or unknown
    # in memory at a time: its OLLAMA_MAX_LOADED_MODELS
    models: int = Field(default=3, ge=1, le=10_000)

    @field_validator("url")
    @classmethod
    def with_scheme(cls, url: str) -> str:
        """OLLAMA_HOST is commonly `host:port`; 0.0.0.0 is where it listens, not where it is."""
        full = url if "://" in url else f"http://{url}"
        parts = urlsplit(full)  # raises ValueError for a broken one, as does its port
        named = parts.hostname and parts.port != 0 and not parts.netloc.endswith(":")
        if parts.scheme not in {"http", "https"} or not named:
            raise ValueError("`url` should begin with http:// or https:// and name a host")
        return full.replace("//0.0.0.0", "//127.0.0.1").rstrip("/")


class EmbedSettings(Section):
    """A model that says of texts what they mean, as vectors. Absent: the search is by words."""

    provider: Literal["ollama"] = "ollama"
    model: str = Field(min_length=1)
    host: str | None = None  # a name from `hosts`; absent: the first


class ModelTimeouts(Section):
    """How long each phase of a model call may take."""

    load: Duration = timedelta(minutes=5)
    first_token: Duration = timedelta(minutes=2)
    idle: Duration = timedelta(minutes=2)


class PoolSettings(Section):
    """How calls share the hosts (docs/pool.md)."""

    patience: Duration = Field(default=timedelta(minutes=10), ge=timedelta(seconds=1))  # age limit
    batch: int = Field(default=32, ge=1)  # answers of a loaded model in a row while another waits
    keep_alive: KeepAlive = "60m"  # how long an idle model stays loaded
    prefetch: Duration = timedelta(minutes=2)  # before a job's slot; 0s: never
    preempt: bool = True  # whether P0 may take the slot of a call that is less urgent


class LimitSettings(Section):
    """What may be used up in one day of the crew's time zone. Absent: without a limit."""

    tokens: int | None = Field(default=None, ge=1)  # prompt and completion, all agents together
    agent: int | None = Field(default=None, ge=1)  # tokens of each agent
    # tokens of the agents named, instead of `agent`; `harness` is the house itself
    agents: dict[str, Annotated[int, Field(ge=0)]] = {}
    gpu: Duration | None = None  # time of Ollama's models, from the first token read to the last
    # for models that have a price
    money: float | None = Field(default=None, ge=0, allow_inf_nan=False)


class SemanticCache(Section):
    """Answers to questions that mean nearly the same. It needs `embed`."""

    threshold: float = Field(gt=0, le=1)  # cosine of the last messages, all else being equal
    within: Duration = timedelta(hours=1)


class CacheSettings(Section):
    """When an answer may be given again: only at temperature 0, and where no tools are offered."""

    exact: Duration | None = timedelta(hours=1)  # the same question; 0s: never
    semantic: SemanticCache | None = None


class ModelsSettings(Section):
    """Which models there are, where they run, and which one is the default."""

    default: str = "chat"
    small: str | None = None  # the profile for cheap work: routing, the wording of rules
    profiles: dict[str, ModelProfile] = {
        "chat": ModelProfile(provider="ollama", model="qwen3:8b", fallback=["offline"]),
        "offline": ModelProfile(provider="extractive"),
    }
    hosts: list[HostSettings] = Field(default=[HostSettings()], min_length=1)
    timeouts: ModelTimeouts = ModelTimeouts()
    embed: EmbedSettings | None = None
    pool: PoolSettings = PoolSettings()
    limits: LimitSettings = LimitSettings()
    cache: CacheSettings = CacheSettings()

    def chain(self, name: str) -> list[str]:
        """A profile and all it falls back on, nearest first; a circle ends where it closes.
        Raises KeyError."""
        return list(dict.fromkeys(self._line(name)))

    def _line(self, name: str, *above: str) -> Iterator[str]:
        yield name
        for fallback in self.profiles[name].fallback:
            if fallback not in above:
                yield from self._line(fallback, name, *above)

    def hosts_of(self, profile: ModelProfile) -> list[HostSettings]:
        """Those that may answer for a profile: none where it does not run on Ollama."""
        if profile.provider != "ollama":
            return []
        return [host for host in self.hosts if profile.host in (None, host.name)]


class Route(Section):
    """A rule of the router: a request with one of these words is that agent's."""

    words: Annotated[list[Phrase], BeforeValidator(one_or_more)]
    agent: str


class RouterSettings(Section):
    """Who gets a request that names nobody (docs/router.md)."""

    rules: list[Route] = []
    unsure: str = "zoe"
    timeout: Duration = Field(default=timedelta(seconds=30), ge=timedelta(seconds=1))  # of a model


class SessionSettings(Section):
    """Limits of a session where the profile names none."""

    max_turns: int = Field(default=20, ge=1)
    budget: int = Field(default=200_000, ge=1000)  # tokens, prompt and completion together


class BusSettings(Section):
    """What carries the events."""

    url: Literal["sqlite"] = "sqlite"


class DeliverySettings(Section):
    """Where the finals go of what a person asks, and of jobs that name no channel."""

    default: Names = ["archive", "log"]
    channels: dict[str, str] = {}
    quiet_hours: str | None = None


class NetworkSettings(Section):
    """How tools reach the world: directly and in public places only, unless a person says so."""

    allow: Annotated[list[HostAndPort], BeforeValidator(one_or_more)] = []  # private places
    proxy: ProxyUrl | None = None  # for all but these; a proxy of the environment is never used


class PermissionSettings(Rules):
    """What agents may do besides the ordinary, and how a person is asked."""

    unattended: Literal["ask", "deny"] = "ask"  # deny: what would be asked about is not done
    patience: Duration = timedelta(hours=12)  # how long a question stays open


class HalfLife(Section):
    """After how long without use a dated note counts half. MEMORY.md does not decay."""

    notes: Duration = Field(default=timedelta(days=30), ge=timedelta(hours=1))
    learnings: Duration = Field(default=timedelta(days=90), ge=timedelta(hours=1))


class Promotion(Section):
    """What a lesson needs to become a rule (docs/promotion.md)."""

    verifications: int = Field(default=3, ge=1)
    tasks: int = Field(default=2, ge=1)
    within: Duration = timedelta(days=30)


class MemorySettings(Section):
    """How much is remembered, and for how long."""

    recall: int = Field(default=1_000, ge=0)  # tokens of what the search finds for a task
    limit: int = Field(default=3_000, ge=100)  # tokens of a MEMORY.md after the weekly compression
    reflection: int = Field(default=20_000, ge=0)  # tokens for the model, each time
    similar: float = Field(default=0.6, gt=0, le=1)  # from here on two lessons are one
    promotion: Promotion = Promotion()
    half_life: HalfLife = HalfLife()
    forget_below: float = Field(default=0.05, ge=0, lt=1)  # strength of a note that is put away
    git: Literal["auto", "off"] = "auto"  # auto: a commit for each rewrite, in a repository

    @property
    def most(self) -> int:
        """Tokens of a MEMORY.md in a prompt: a third more, for it grows until it is compressed."""
        return self.limit + self.limit // 3


class Settings(Section):
    """All of harness.yaml."""

    models: ModelsSettings = ModelsSettings()
    router: RouterSettings = RouterSettings()
    session: SessionSettings = SessionSettings()
    bus: BusSettings = BusSettings()
    delivery: DeliverySettings = DeliverySettings()
    network: NetworkSettings = NetworkSettings()
    permissions: PermissionSettings = PermissionSettings()
    hooks: list[Hook] = []
    memory: MemorySettings = MemorySettings()
    workers: dict[str, Any] = {}
    web: dict[str, Any] = {}


def read_settings(
    path: Path, environment: Mapping[str, str], known: KnownTools | None = None
) -> Settings:
    """The settings of a home: the file, then `HARNESS_<SECTION>__<KEY>` over it. Rules are
    checked against the `known` tools, where these are given.

    A file that is absent or empty means the defaults. Raises ConfigError with every fault.
    """
    document = Document.read(path) if path.is_file() else Document.parse("", path)
    document = replace(document, data={} if document.data is None else document.data)
    checked(document)  # alone: what the environment meets must be sound
    document = overlay(document, environment, Settings().model_dump())
    settings = checked(document)
    faults = dangling(document, settings.models)
    tools = None if known is None else known.names
    faults += hook_faults(document, settings.hooks, environment, tools)
    if known is not None:
        faults += faults_of(document, ("permissions",), settings.permissions, known)
    if faults:
        raise ConfigError(faults)
    return settings


def checked(document: Document) -> Settings:
    """The settings in a document. Raises ConfigError with every fault but dangling names."""
    settings = check(document, Settings)
    if isinstance(settings, list):
        raise ConfigError(settings)
    return settings


def not_yet(settings: Settings) -> list[str]:
    """Keys of the contract that this version reads and does not use yet, one sentence each."""
    hooked = [event for hook in settings.hooks for event in hook.on]
    waiting = {
        "workers": bool(settings.workers),
        "web": bool(settings.web),
        "delivery.channels": bool(settings.delivery.channels),
        "delivery.quiet_hours": settings.delivery.quiet_hours is not None,
        **{f"hooks: {event}": True for event in sorted(NOT_YET.intersection(hooked))},
    }
    return [f"`{key}` is not used by this version yet" for key, set_ in waiting.items() if set_]


def pointless(settings: Settings) -> list[str]:
    """Limits that nothing in the settings can reach, one sentence each."""
    limits, profiles = settings.models.limits, settings.models.profiles.values()
    priced = any(profile.price is not None for profile in profiles)
    on_gpu = any(profile.provider == "ollama" for profile in profiles) or settings.models.embed
    told = []
    if limits.money is not None and not priced:
        told.append("`models.limits.money` holds for nothing: no profile has a `price`")
    if limits.gpu is not None and not on_gpu:
        told.append("`models.limits.gpu` holds for nothing: no profile has `provider: ollama`")
    return told


def dangling(document: Document, models: ModelsSettings) -> list[Problem]:
    """Names of model profiles and hosts that are nowhere defined, and what a profile lacks."""
    hosts = {host.name for host in models.hosts}
    faults = []
    if models.embed and models.embed.host is not None and models.embed.host not in hosts:
        faults.append(
            unknown_name(document, ("models", "embed", "host"), models.embed.host, hosts, "host")
        )
    if models.cache.semantic is not None and models.embed is None:
        message = "the semantic cache compares vectors, and no model makes any"
        hint = "set `models.embed`, such as {model: nomic-embed-text}, or leave out `semantic`"
        semantic = ("models", "cache", "semantic")
        faults.append(document.problem(semantic, message, key=True, hint=hint))
    for key, name in (("default", models.default), ("small", models.small)):
        if name is not None and name not in models.profiles:
            faults.append(unknown_name(document, ("models", key), name, models.profiles, PROFILE))
    for name, profile in models.profiles.items():
        here = ("models", "profiles", name)
        for index, fallback in enumerate(profile.fallback):
            if fallback not in models.profiles:
                place = (*here, "fallback", index)
                faults.append(unknown_name(document, place, fallback, models.profiles, PROFILE))
        if profile.host is not None and profile.host not in hosts:
            faults.append(unknown_name(document, (*here, "host"), profile.host, hosts, "host"))
        faults += [
            document.problem(
                (*here, "provider"),
                f"the model profile `{name}` names no `{key}`",
                hint=f"provider openai needs `base_url` and `model`, such as {EXAMPLE}",
            )
            for key, value in (("base_url", profile.base_url), ("model", profile.model))
            if profile.provider == "openai" and not value
        ]
    return faults
