"""The model profiles of harness.yaml, made into models."""

from __future__ import annotations

from pathlib import Path

from harness.clock import FakeClock
from harness.config.settings import HostSettings, ModelsSettings
from harness.models.profiles import Models


async def test_a_host_has_as_many_slots_as_its_settings_say() -> None:
    models = Models(ModelsSettings(hosts=[HostSettings(slots=3)]), FakeClock(), Path())
    slots = models.hosts["local"].slots

    for _ in range(3):
        assert not slots.locked()
        await slots.acquire()

    assert slots.locked()
