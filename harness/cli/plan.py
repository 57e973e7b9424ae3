"""`harness models plan`: what models need of a GPU, what fits together, when more hosts pay off."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Annotated, Any

import typer

from harness.cli.output import HomeOption, JsonOption, counted, emit, say, table, the_home
from harness.config.home import Home
from harness.config.names import did_you_mean
from harness.config.settings import HostSettings, ModelsSettings, read_settings
from harness.config.sizes import parse_size
from harness.errors import NotFound, UsageError
from harness.models.glance import Server, ask
from harness.models.ledger.busiest import busiest_of
from harness.models.ledger.reader import LedgerReader
from harness.models.plan.demand import Demand
from harness.models.plan.footprint import FORMULAS
from harness.models.plan.plan import Advice, Fit, Need, Wanted, advice_on, fit_of, need_of
from harness.models.plan.precision import kv_bytes_of
from harness.models.plan.shape import shape_of_words
from harness.models.pool.gpu import cards, is_here

GIB = 1 << 30
GB = 10**9


def plan(
    profiles: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PROFILE]...", help="Of harness.yaml; none: all of Ollama's."),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model", help='A model by its measures: "NAME parameters=8.2B layers=36 …".'
        ),
    ] = None,
    context: Annotated[
        int | None, typer.Option("--context", min=1, help="Tokens for each slot.")
    ] = None,
    slots: Annotated[
        int | None, typer.Option("--slots", min=1, max=64, help="Calls of a model at a time.")
    ] = None,
    memory: Annotated[
        list[str] | None, typer.Option("--memory", help="Of a GPU, like 24GiB; several times.")
    ] = None,
    kv: Annotated[str, typer.Option("--kv", help="Numbers of the KV cache: f16, q8_0, q4_0.")] = (
        "f16"
    ),
    flash: Annotated[
        bool | None,
        typer.Option("--flash/--no-flash", help="Flash attention; else as Ollama has it."),
    ] = None,
    bandwidth: Annotated[
        float | None, typer.Option("--bandwidth", min=1, help="Of the GPU's memory, in GB/s.")
    ] = None,
    calls: Annotated[
        float | None,
        typer.Option("--calls", min=0, help="Calls in the busiest hour; else of the ledger."),
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=0, help="Of one call.")] = 20.0,
    loads: Annotated[float, typer.Option("--loads", min=0, help="Loads in that hour.")] = 0.0,
    load_seconds: Annotated[
        float, typer.Option("--load-seconds", min=0, help="Of one load.")
    ] = 15.0,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What models need of a GPU, what fits together, and when another host pays off."""
    place = the_home(home)
    settings = read_settings(place.settings_file, os.environ).models
    servers = [ask(host.url) for host in settings.hosts]
    kv_bytes = kv_bytes_of(kv)
    wanted = [
        replace(each, flash=flash)
        for each in wishes(settings, profiles or [], models or [], context, slots)
    ]
    needs = [need_of(each, servers, kv_bytes) for each in wanted]
    most = max(host.models for host in settings.hosts)
    fits = {
        name: fit_of(needs, size, most, kv_bytes, bandwidth * GB if bandwidth else None)
        for name, size in memories(settings.hosts, memory or [])
    }
    known = known_demand(place) if calls is None else Demand(calls, seconds, loads, load_seconds)
    advice = advice_on(known, slots or settings.hosts[0].slots) if known else None
    if as_json:
        emit(shape_of_plan(needs, fits, advice))
    else:
        show(needs, fits, advice, servers)


def known_demand(home: Home) -> Demand | None:
    """The busiest hour of the last week, as the ledger knows it."""
    now = datetime.now(UTC)
    with LedgerReader(home.ledger) as reader:
        span = (now - timedelta(days=7), now)
        hour = busiest_of(reader.calls(*span), reader.loads(*span))
    if hour is None:
        return None
    answers, loads = hour.answers, hour.loads
    return Demand(
        len(answers),
        sum(answers) / max(len(answers), 1),
        len(loads),
        sum(loads) / max(len(loads), 1),
    )


def wishes(
    settings: ModelsSettings,
    profiles: Sequence[str],
    stated: Sequence[str],
    context: int | None,
    slots: int | None,
) -> Iterator[Wanted]:
    """The models that are meant, each once and with the largest context that is asked of it.
    Raises NotFound for a profile that is not there, UsageError for one that runs elsewhere."""
    usual = settings.hosts[0].slots
    for words in stated:
        shape = shape_of_words(words)
        yield Wanted(shape.name, context or min(16_384, shape.context), slots or usual, shape)
    if stated and not profiles:
        return
    largest: dict[str, int] = {}
    for name in profiles or settings.profiles:
        profile = settings.profiles.get(name)
        if profile is None:
            hint = did_you_mean(name, settings.profiles) or f"known: {', '.join(settings.profiles)}"
            raise NotFound(f"there is no model profile `{name}`", hint=hint)
        if profile.provider == "ollama":
            largest[profile.model] = max(largest.get(profile.model, 0), profile.num_ctx)
        elif profiles:
            raise UsageError(
                f"profile `{name}` needs no GPU here: its provider is {profile.provider}"
            )
    by_host = {host.name: host.slots for host in settings.hosts}
    hosts = {each.model: each.host for each in settings.profiles.values()}
    for model, num_ctx in largest.items():
        own = by_host.get(hosts.get(model) or "", usual)
        yield Wanted(model, context or num_ctx, slots or own)


def memories(hosts: Sequence[HostSettings], stated: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The memories to plan for: those stated, else those of the hosts as far as they are known.
    Raises UsageError."""
    for text in stated:
        try:
            yield text, parse_size(text)
        except ValueError as error:
            raise UsageError(f"--memory {text}: {error}") from None
    if stated:
        return
    for host in hosts:
        size = host.memory or memory_here(host.url)
        if size:
            yield host.name, size


def memory_here(url: str) -> int | None:
    """Of this machine's GPUs, where the host is this machine and its driver tells."""
    found = cards() if is_here(url) else None
    return sum(card.total for card in found) if found else None


def show(
    needs: Sequence[Need], fits: Mapping[str, Fit], advice: Advice | None, servers: Sequence[Server]
) -> None:
    table(
        (
            "model",
            "by",
            "kind",
            "context",
            "slots",
            "weights",
            "kv cache",
            "graph",
            "runtime",
            "GiB",
        ),
        [row_of(need) for need in needs],
        "no profile of harness.yaml runs on an Ollama host",
    )
    for need in needs:
        if need.loaded is not None and need.error is not None:
            held, off = gib(need.loaded), f"{need.error:+.0%}"
            say(f"{need.wanted.name}: the server holds {held} GiB for it; the plan is {off} off")
    say()
    for name, fit in fits.items():
        show_fit(name, fit, needs)
    if not fits:
        say("What fits together: state the memory with --memory 24GiB, or of a host as `memory` in")
        say("harness.yaml.")
    if advice is not None:
        say(told_of(advice))
    say(f"\n{FORMULAS}")
    for server in servers:
        if server.trouble:
            say(f"not asked: {server.url}, {server.trouble}")


def row_of(need: Need) -> tuple[object, ...]:
    parts = need.footprint
    return (
        need.wanted.name,
        need.source,
        kind_of(need),
        min(need.wanted.context, need.shape.context),
        need.wanted.slots,
        *map(gib, (parts.weights, parts.kv, parts.graph, parts.runtime)),
        gib(parts.total),
    )


def kind_of(need: Need) -> str:
    shape = need.shape
    if not shape.is_mixture:
        return f"dense {billions(shape.parameters)} {shape.precision}"
    active, all_ = billions(shape.active), billions(shape.parameters)
    return f"mixture {active} of {all_} {shape.precision}"


def show_fit(name: str, fit: Fit, needs: Sequence[Need]) -> None:
    say(f"{name}: {gib(fit.memory)} GiB")
    for names in fit.together:
        say(f"  together: {', '.join(names)}")
    for need in needs:
        model = need.wanted.name
        if not fit.alone[model]:
            say(f"  {model} does not fit whole: the server would put a part of it on the CPU")
            continue
        alone = f"  {model} alone carries {counted(fit.slots[model], 'slot')}"
        speed = fit.tokens_a_second.get(model)
        most = f", each at most {speed:.0f} tokens/s at a full context" if speed else ""
        say(f"{alone} of {need.wanted.context} tokens: as many workers at a time{most}")


def told_of(advice: Advice) -> str:
    demand = advice.demand
    busy = f"{demand.busy:.2f} of {counted(advice.slots, 'slot')} busy on average"
    waits = (
        f"a call waits {spell(advice.wait)}, with a second host {spell(advice.wait_with_another)}"
    )
    swaps = f"{demand.swapping:.0%} of the hour goes into loads"
    verdict = "a second host pays off" if advice.pays_off else "a second host does not pay off"
    return f"{busy}; {waits}; {swaps}: {verdict}"


def spell(seconds: float) -> str:
    return "without end" if seconds == inf else f"{seconds:.1f} s"


def gib(size: int) -> str:
    return f"{size / GIB:.2f}"


def billions(number: int) -> str:
    return f"{number / 10**9:.3g}B"


def shape_of_plan(
    needs: Sequence[Need], fits: Mapping[str, Fit], advice: Advice | None
) -> dict[str, Any]:
    """Sizes in bytes."""
    return {
        "formulas": FORMULAS.splitlines(),
        "models": [
            {
                "model": need.wanted.name,
                "source": need.source,
                "parameters": need.shape.parameters,
                "active": need.shape.active,
                "precision": need.shape.precision,
                "context": min(need.wanted.context, need.shape.context),
                "slots": need.wanted.slots,
                **vars(need.footprint),
                "total": need.total,
                "loaded": need.loaded,
                "error": need.error,
            }
            for need in needs
        ],
        "memory": [{"name": name, **vars(fit)} for name, fit in fits.items()],
        "advice": None if advice is None else advice_shape(advice),
    }


def advice_shape(advice: Advice) -> dict[str, Any]:
    """A wait without end is null: JSON has no infinity."""
    return {
        **{key: finite(value) for key, value in vars(advice).items() if key != "demand"},
        "demand": vars(advice.demand) | {"busy": advice.demand.busy},
    }


def finite(value: float) -> float | None:
    return None if value == inf else value
