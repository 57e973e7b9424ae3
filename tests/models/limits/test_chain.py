"""Over the limit, from the settings to the answer: the next profile, or a refusal."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from harness.clock import FakeClock
from harness.config.settings import ModelsSettings
from harness.models.books import Books
from harness.models.limits.limits import Limits
from harness.models.port import Asker, ChatRequest, Message, OverLimit, Role
from harness.models.profiles import Models
from tests.models.limits.test_limits import nothing_yet

LONG = "sea" + " and sea" * 100  # about 230 tokens
ASKED = ChatRequest([Message(Role.USER, "What is new?")], asker=Asker("scout"))


def models(folder: Path, **main: object) -> Models:
    (folder / "script.yaml").write_text(f"- text: {LONG}\n- text: Never said.\n")
    settings = ModelsSettings.model_validate(
        {
            "default": "main",
            "profiles": {
                "main": {"provider": "scripted", "script": "script.yaml", **main},
                "offline": {"provider": "extractive"},
            },
            "limits": {"agents": {"scout": 1200}},
        }
    )
    clock = FakeClock()
    books = Books(limits=Limits(settings.limits, nothing_yet, clock, UTC))
    return Models(settings, clock, folder, books)


async def test_where_a_limit_leaves_no_room_the_next_profile_answers(tmp_path: Path) -> None:
    chain = models(tmp_path, fallback=["offline"]).get(None)

    first = await chain.chat(ASKED)
    second = await chain.chat(ASKED)

    assert (first.message.content, first.degraded) == (LONG, False)
    assert (second.model.split("/")[0], second.degraded) == ("extractive", True)


async def test_a_profile_that_refuses_lets_nobody_stand_in(tmp_path: Path) -> None:
    chain = models(tmp_path, fallback=["offline"], over_limit="refuse").get(None)
    await chain.chat(ASKED)

    with pytest.raises(OverLimit, match="a day for scout leaves no room") as refused:
        await chain.chat(ASKED)

    assert "models.limits.agents.scout" in (refused.value.hint or "")


async def test_without_another_profile_the_refusal_says_what_to_do(tmp_path: Path) -> None:
    chain = models(tmp_path).get(None)
    await chain.chat(ASKED)

    with pytest.raises(OverLimit, match="a day for scout leaves no room") as refused:
        await chain.chat(ASKED)

    assert "models.limits.agents.scout" in (refused.value.hint or "")
