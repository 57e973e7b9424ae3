"""A choice that never comes to an end ends at the pool."""

from __future__ import annotations

import pytest

from harness.models.pool import choice
from harness.models.pool.view import Drain, Why
from harness.models.port import ModelError
from tests.doubles.ollama import OllamaDouble
from tests.models.pool.using import house


async def test_who_waits_is_told_when_the_verdicts_have_no_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def again(lines, hosts, now, rules):  # type: ignore[no-untyped-def]
        return Drain(lines[0], "local", Why.IDLE, ()) if lines else None

    monkeypatch.setattr(choice, "choose", again)
    async with OllamaDouble() as double, house(double) as at:
        with pytest.raises(ModelError):
            await at.ask("qwen3:8b")

        assert at.is_empty
