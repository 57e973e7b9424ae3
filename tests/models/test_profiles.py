"""The model profiles of harness.yaml, made into models."""

from __future__ import annotations

from pathlib import Path

from harness.clock import FakeClock
from harness.config.settings import HostSettings, ModelProfile, ModelsSettings
from harness.models.pool.making import contexts_of
from harness.models.profiles import Models


async def test_a_host_is_what_its_settings_say() -> None:
    settings = ModelsSettings(hosts=[HostSettings(name="gpu", slots=3, models=2, memory=8 << 30)])

    models = Models(settings, FakeClock(), Path())

    (host,) = models.pool.snapshot().hosts
    assert (host.name, host.slots, host.memory) == ("gpu", 3, 8 << 30)
    assert host.url == "http://127.0.0.1:11434"


def test_a_model_is_loaded_with_the_largest_context_of_its_profiles() -> None:
    profiles = {
        "quick": ModelProfile(provider="ollama", model="qwen3:8b", num_ctx=8192),
        "long": ModelProfile(provider="ollama", model="qwen3:8b", num_ctx=32_768),
        "other": ModelProfile(provider="ollama", model="llama3.2", num_ctx=4096),
        "far": ModelProfile(provider="openai", model="qwen3:8b", num_ctx=100_000),
    }

    found = contexts_of(ModelsSettings(profiles=profiles))

    assert found == {"qwen3:8b": 32_768, "llama3.2:latest": 4096}
