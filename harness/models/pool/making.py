"""A pool from the settings, or an older one taken over to them."""

from __future__ import annotations

from collections import defaultdict

from harness.clock import Clock
from harness.config.settings import ModelsSettings, ModelTimeouts
from harness.models.ollama_host import OllamaHost, full_name
from harness.models.patience import Timeouts
from harness.models.pool.pool import Pool


def pool_of(settings: ModelsSettings, clock: Clock, old: Pool | None = None) -> Pool:
    """The pool of the settings' hosts: the `old` one where there is one, so that two never share
    a host's slots."""
    hosts = [
        OllamaHost(
            host.url, name=host.name, slots=host.slots, models=host.models, memory=host.memory
        )
        for host in settings.hosts
    ]
    contexts, timeouts = contexts_of(settings), seconds(settings.timeouts)
    if old is None:
        return Pool(hosts, settings.pool, clock, timeouts, contexts)
    old.apply(hosts, settings.pool, timeouts, contexts)
    return old


def contexts_of(settings: ModelsSettings) -> dict[str, int]:
    """With which num_ctx each model is loaded: the largest of the profiles that name it, since
    another one would be another load."""
    found: dict[str, int] = defaultdict(int)
    for profile in settings.profiles.values():
        if profile.provider == "ollama":
            model = full_name(profile.model)
            found[model] = max(found[model], profile.num_ctx)
    return dict(found)


def seconds(timeouts: ModelTimeouts) -> Timeouts:
    return Timeouts(
        load=timeouts.load.total_seconds(),
        first_token=timeouts.first_token.total_seconds(),
        idle=timeouts.idle.total_seconds(),
    )
