"""The model profiles of harness.yaml, made into models."""

from __future__ import annotations

from pathlib import Path

from harness.clock import FakeClock
from harness.config.secret_ref import SecretRef
from harness.config.settings import HostSettings, ModelProfile, ModelsSettings
from harness.models.metered import Metered
from harness.models.openai import OpenAIModel
from harness.models.pool.making import contexts_of
from harness.models.profiles import Models, Way


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


def hosted(base_url: str) -> OpenAIModel:
    """The model of a profile with that address, in a house with a proxy and a key."""
    far = ModelProfile(
        provider="openai",
        base_url=base_url,
        model="big",
        api_key=SecretRef(env="HOSTED_KEY"),
        num_ctx=64_000,
        slots=7,
    )
    way = Way({"HOSTED_KEY": "c4n4ry"}, "http://127.0.0.1:3128")
    settings = ModelsSettings(default="far", profiles={"far": far})
    metered = Models(settings, FakeClock(), Path(), way=way).link("far").model
    assert isinstance(metered, Metered)
    assert isinstance(metered.model, OpenAIModel)
    return metered.model


def test_a_hosted_model_is_what_its_profile_says() -> None:
    model = hosted("https://api.example.com/v1")

    assert (model.name, model.context_tokens, model.slots.free) == ("openai/big", 64_000, 7)
    assert model.endpoint.key.headers() == {"Authorization": "Bearer c4n4ry"}
    assert model.endpoint.proxy == "http://127.0.0.1:3128"


def test_the_proxy_is_for_addresses_outside_the_own_network() -> None:
    assert hosted("http://127.0.0.1:8080/v1").endpoint.proxy is None


def test_profiles_that_share_a_fallback_share_its_rest() -> None:
    profiles = {
        "chat": ModelProfile(provider="extractive", fallback=["far"], over_limit="refuse"),
        "coder": ModelProfile(provider="extractive", fallback=["far"]),
        "far": ModelProfile(provider="extractive"),
    }
    models = Models(ModelsSettings(profiles=profiles), FakeClock(), Path())

    chat, coder = models.get("chat").links, models.get("coder").links

    assert chat[1] is coder[1]
    assert [chat[0].over_limit, coder[0].over_limit] == ["refuse", "fallback"]
