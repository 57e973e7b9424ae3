"""OpenAI-compatible servers, as the doctor finds them."""

from __future__ import annotations

import asyncio

import pytest

from harness.config.home import Home
from harness.doctor.finding import Finding, Level
from tests.doctor.conftest import Look
from tests.models.openai.server import Server, refuses, says

pytestmark = pytest.mark.usefixtures("scout")

FAR = "{{provider: openai, base_url: '{url}', model: big, fallback: [{fallback}]}}"


async def found(look: Look, home: Home, url: str, fallback: str = "offline") -> list[Finding]:
    """The check looks from a thread of its own, while the server answers in this one."""
    home.settings_file.write_text(
        f"models:\n  profiles:\n    chat: {FAR.format(url=url, fallback=fallback)}\n"
        "    offline: {provider: extractive}\n"
    )
    return await asyncio.to_thread(look, "endpoints")


async def test_a_server_that_answers_is_well(look: Look, home: Home) -> None:
    async with Server(says("ok")) as server:
        assert await found(look, home, server.url) == []


async def test_a_server_that_is_away_is_a_warning_where_another_profile_answers(
    look: Look, home: Home
) -> None:
    async with Server(says("ok")) as server:
        url = server.url

    (finding,) = await found(look, home, url)

    assert finding.level is Level.WARNING
    assert f"chat cannot be asked: nothing answers at {url}; until then offline" in finding.message


async def test_a_key_that_is_refused_is_an_error_where_nobody_else_answers(
    look: Look, home: Home
) -> None:
    async with Server(refuses(401, "who are you")) as server:
        (finding,) = await found(look, home, server.url, fallback="")

    assert finding.level is Level.ERROR
    assert "it wants a key" in finding.message
    assert "models.profiles.chat" in str(finding.fix)
