"""The models: whether who should answer can, with the context and the memory that it needs."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence

from harness.doctor.finding import Finding, Level
from harness.doctor.gpu import gpus
from harness.doctor.patient import Patient, Unseen, Use
from harness.models.glance import Server, ask, context_limit

GIB = 1 << 30
USUAL = "http://127.0.0.1:11434"  # where Ollama's own command looks


def ollama(patient: Patient) -> Iterator[Finding]:
    """Ollama answers, and has every model that the crew asks for."""
    yield from meanings(patient)
    for url, server in patient.servers.items():
        if server.trouble is not None:
            here = [use for use in patient.uses if url in use.urls]
            yield unreachable(patient, server, here)
    missing: dict[tuple[str, tuple[str, ...]], list[Use]] = defaultdict(list)
    for use in patient.uses:
        well = tuple(url for url in use.urls if patient.servers[url].trouble is None)
        if well and not has_model(patient, use):
            missing[use.profile.model, well].append(use)
    for (model, urls), uses in missing.items():
        lacks = f"{urls[0]} does not have" if len(urls) == 1 else f"{' and '.join(urls)} lack"
        yield Finding(
            level_of(patient, uses),
            f"{lacks} {model}, for {', '.join(use.name for use in uses)}"
            f"{consequence(patient, uses)}",
            pull(urls[0], model),
        )


def endpoints(patient: Patient) -> Iterator[Finding]:
    """OpenAI-compatible servers answer, and take their keys."""
    for use in patient.uses:
        if (trouble := patient.endpoints.get(use.name)) is not None:
            yield Finding(
                level_of(patient, [use]),
                f"{use.name} cannot be asked: {trouble}{consequence(patient, [use])}",
                f"edit {patient.home.settings_file}: models.profiles.{use.name}",
            )


def meanings(patient: Patient) -> Iterator[Finding]:
    """The model for embeddings is there, where one is wanted."""
    settings = patient.crew.settings.models
    if settings.embed is None:
        return
    model, hosts = settings.embed.model, {host.name: host for host in settings.hosts}
    url = hosts[settings.embed.host or settings.hosts[0].name].url
    server = patient.servers.get(url) or ask(url)
    if not server.has(model):
        lacks = f"no Ollama at {url}" if server.trouble else f"{url} does not have {model}"
        told = f"{lacks}, for embeddings; until then the search of memory goes by words alone"
        yield Finding(Level.WARNING, told, pull(url, model))


def unreachable(patient: Patient, server: Server, uses: Sequence[Use]) -> Finding:
    models = dict.fromkeys(use.profile.model for use in uses)
    get = "; ".join(pull(server.url, model) for model in models)
    return Finding(
        level_of(patient, uses),
        f"no Ollama at {server.url}: {server.trouble}{consequence(patient, uses)}",
        f"ollama serve; {get}; or set OLLAMA_HOST to where it runs",
    )


def pull(url: str, model: str) -> str:
    elsewhere = "" if url in (USUAL, "http://localhost:11434") else f"OLLAMA_HOST={url} "
    return f"{elsewhere}ollama pull {model}"


def level_of(patient: Patient, uses: Sequence[Use]) -> Level:
    """An error only where nothing else would answer."""
    return Level.ERROR if None in stand_ins(patient, uses) else Level.WARNING


def consequence(patient: Patient, uses: Sequence[Use]) -> str:
    instead = stand_ins(patient, uses)
    if None in instead:
        return "; and nothing else answers who asks for it"
    if all(has_model(patient, use) for use in uses):
        return "; until then another host answers"
    return f"; until then {', '.join(sorted(filter(None, instead)))} answers"


def stand_ins(patient: Patient, uses: Sequence[Use]) -> set[str | None]:
    """Which profile answers in each chain that has one of these; None where none can."""
    ill = {use.name for use in uses}
    return {
        next((use.name for use in chain if can_answer(patient, use)), None)
        for chain in patient.chains
        if ill & {use.name for use in chain}
    }


def can_answer(patient: Patient, use: Use) -> bool:
    if use.urls:
        return has_model(patient, use)
    if use.profile.provider == "openai":
        return patient.endpoints[use.name] is None
    return use.profile.provider == "extractive" or use.profile.script is not None


def has_model(patient: Patient, use: Use) -> bool:
    """Whether a host that may serve an Ollama profile can do so."""
    return any(patient.servers[url].has(use.profile.model) for url in use.urls)


def context(patient: Patient) -> Iterator[Finding]:
    """Every model gets the context that is asked for."""
    asked: dict[tuple[str, str], list[Use]] = defaultdict(list)
    for use in patient.uses:
        for url in use.urls:
            asked[url, use.profile.model].append(use)
    for (url, model), uses in asked.items():
        server = patient.servers[url]
        if server.has(model):
            yield from too_small(patient, server, model, max(uses, key=num_ctx))
    if silent := [url for url, server in patient.servers.items() if server.trouble is not None]:
        raise Unseen(f"{', '.join(silent)} does not answer")


def too_small(patient: Patient, server: Server, model: str, use: Use) -> Iterator[Finding]:
    """What the model was made for, and what the server has loaded, against what is asked."""
    wanted = num_ctx(use)
    limit = context_limit(server.url, model)
    edit = f"edit {patient.home.settings_file}: models.profiles.{use.name}.num_ctx"
    if limit is not None and limit < wanted:
        yield Finding(
            Level.WARNING,
            f"{use.name} asks {model} for a context of {wanted}, and it was made for {limit}",
            f"{edit}: {limit}",
        )
        return
    held = server.holding(model)
    if held is not None and 0 < held.context < wanted:
        yield Finding(
            Level.WARNING,
            f"{server.url} holds {model} with a context of {held.context}, and {use.name} asks for"
            f" {wanted}: another program loaded it, or the server gives no more",
            f"ollama stop {model}; when it comes back, let the other program ask for the same,"
            f" or {edit}: {held.context}",
        )


def num_ctx(use: Use) -> int:
    return use.profile.num_ctx


def gpu(patient: Patient) -> Iterator[Finding]:
    """What is loaded is in the memory of the GPU."""
    seen = gpus(patient.environment.get("PATH", os.defpath), patient.machine.proc)
    if seen.trouble is not None:
        yield Finding(Level.WARNING, seen.trouble, "nvidia-smi; after an upgrade of it, restart")
    for each in seen.found:
        used, total = each.used / GIB, each.total / GIB
        yield Finding(Level.OK, f"{each.name}: {used:.1f} of {total:.1f} GiB are in use")
    for server in patient.servers.values():
        for held in server.loaded:
            on_gpu = held.in_gpu / held.size if held.size else 1.0
            if on_gpu < 1.0 and (held.in_gpu or seen.found):
                yield Finding(
                    Level.WARNING,
                    f"only {on_gpu:.0%} of {held.name} is in the memory of the GPU: it is slow",
                    f"end what else uses the GPU, or edit {patient.home.settings_file}: a smaller"
                    " num_ctx, or a smaller model",
                )
