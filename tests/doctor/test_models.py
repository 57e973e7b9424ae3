"""Ollama, its models, their contexts and the GPU: against the server's own protocol."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.config.home import Home
from harness.doctor.finding import Finding, Level
from tests.doctor.conftest import Look
from tests.doubles.ollama_server import OllamaDouble, Rules, Weights

pytestmark = pytest.mark.usefixtures("scout")

GIB = 1 << 30
SMI = """#!/bin/sh
echo "{said}"
exit {code}
"""


def settings(home: Home, url: str, **profiles: str) -> None:
    lines = "".join(f"    {name}: {profile}\n" for name, profile in profiles.items())
    home.settings_file.write_text(
        f'models:\n  profiles:\n{lines}  hosts: [{{name: local, url: "{url}"}}]\n'
    )


def two_hosts(home: Home, one: str, two: str, **profiles: str) -> None:
    settings(home, one, **profiles)
    more = f', {{name: far, url: "{two}"}}]\n'
    home.settings_file.write_text(home.settings_file.read_text().removesuffix("]\n") + more)


def ollama(model: str = "qwen3:8b", num_ctx: int = 16_384, fallback: str = "offline") -> str:
    return f"{{provider: ollama, model: {model}, num_ctx: {num_ctx}, fallback: [{fallback}]}}"


OFFLINE = "{provider: extractive}"


async def seen(look: Look, check: str, **machine: Any) -> list[Finding]:
    """The check looks from a thread of its own, while the double answers in this one."""
    return await asyncio.to_thread(look, check, **machine)


async def load(double: OllamaDouble, model: str, num_ctx: int) -> None:
    """As another program would."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": "hello"}],
        "options": {"num_ctx": num_ctx},
        "stream": False,
    }
    async with httpx.AsyncClient(base_url=double.url) as http:
        (await http.post("/api/chat", json=body)).raise_for_status()


@pytest.mark.parametrize("check", ["ollama", "context", "gpu"])
async def test_a_server_with_the_model_and_the_context_is_well(
    look: Look, home: Home, check: str
) -> None:
    async with OllamaDouble(["qwen3:8b", "other:latest"]) as double:
        settings(home, double.url, chat=ollama(), offline=OFFLINE)
        await load(double, "qwen3:8b", 16_384)

        assert await seen(look, check) == []


@pytest.mark.parametrize(
    ("present", "told"), [(["chat:1b", "embed:1b"], []), (["chat:1b"], ["does not have embed:1b"])]
)
async def test_a_missing_model_for_embeddings_is_a_warning(
    look: Look, home: Home, present: list[str], told: list[str]
) -> None:
    async with OllamaDouble(present) as double:
        settings(home, double.url, chat=OFFLINE)
        home.settings_file.write_text(
            home.settings_file.read_text() + "  embed: {provider: ollama, model: 'embed:1b'}\n"
        )

        found = await seen(look, "ollama")

    assert [each.level for each in found] == [Level.WARNING] * len(told)
    assert all(part in each.message for part, each in zip(told, found, strict=True))


async def test_a_server_that_is_away_is_one_warning_where_something_else_answers(
    look: Look, home: Home
) -> None:
    async with OllamaDouble() as double:
        url = double.url
    profiles = {"chat": ollama(), "offline": OFFLINE, "unused": ollama("big:70b")}
    settings(home, url, **profiles)

    (found,) = await seen(look, "ollama")

    assert found.level is Level.WARNING
    assert found.message == (
        f"no Ollama at {url}: nothing answers there; until then offline answers"
    )
    assert found.fix == (
        f"ollama serve; OLLAMA_HOST={url} ollama pull qwen3:8b; or set OLLAMA_HOST to where it runs"
    )
    (unseen,) = await seen(look, "context")
    assert (unseen.level, unseen.message) == (
        Level.HINT,
        f"not looked at: {url} does not answer",
    )


async def test_it_is_an_error_where_nothing_else_answers(look: Look, home: Home) -> None:
    async with OllamaDouble() as double:
        url = double.url
    settings(home, url, chat=ollama(fallback=""))

    (found,) = await seen(look, "ollama")

    assert found.level is Level.ERROR
    assert found.message.endswith("; and nothing else answers who asks for it")


async def test_each_model_that_is_missing_is_named_with_the_command_that_gets_it(
    look: Look, home: Home
) -> None:
    async with OllamaDouble(["qwen3:8b"]) as double:
        soul = home.agent("scout") / "SOUL.md"
        soul.write_text(soul.read_text().replace("tools:", "model: coder\ntools:"))
        profiles = {"chat": ollama(), "coder": ollama("coder", fallback="chat")}
        settings(home, double.url, offline=OFFLINE, **profiles)

        (found,) = await seen(look, "ollama")

        assert found.level is Level.WARNING
        assert found.message == (
            f"{double.url} does not have coder, for coder; until then chat answers"
        )
        assert found.fix == f"OLLAMA_HOST={double.url} ollama pull coder"


async def test_something_else_behind_the_address_is_not_taken_for_ollama(
    look: Look, home: Home
) -> None:
    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[{}]")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(page, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        settings(home, f"http://127.0.0.1:{port}", chat=ollama(), offline=OFFLINE)

        (found,) = await seen(look, "ollama")

    assert "what answers does not speak Ollama's protocol" in found.message


async def test_more_context_than_the_model_was_made_for_is_told_with_its_limit(
    look: Look, home: Home
) -> None:
    async with OllamaDouble([Weights("qwen3:8b", trained_context=8192)]) as double:
        settings(home, double.url, chat=ollama(), offline=OFFLINE)

        (found,) = await seen(look, "context")

    assert found.level is Level.WARNING
    assert found.message == ("chat asks qwen3:8b for a context of 16384, and it was made for 8192")
    assert found.fix == f"edit {home.settings_file}: models.profiles.chat.num_ctx: 8192"


async def test_a_model_that_another_program_loaded_with_less_context_is_told(
    look: Look, home: Home
) -> None:
    async with OllamaDouble() as double:
        settings(home, double.url, chat=ollama(), offline=OFFLINE)
        await load(double, "qwen3:8b", 4096)

        (found,) = await seen(look, "context")

        assert found.level is Level.WARNING
        assert found.message.startswith(
            f"{double.url} holds qwen3:8b with a context of 4096, and chat asks for 16384"
        )
        assert str(found.fix).startswith("ollama stop qwen3:8b")


async def test_a_model_need_not_be_on_every_host(look: Look, home: Home) -> None:
    async with OllamaDouble(["qwen3:8b"]) as one, OllamaDouble(["other:1b"]) as two:
        two_hosts(home, one.url, two.url, chat=ollama(), offline=OFFLINE)

        assert await seen(look, "ollama") == []


async def test_a_model_that_no_host_has_is_told_once(look: Look, home: Home) -> None:
    async with OllamaDouble(["a:1b"]) as one, OllamaDouble(["b:1b"]) as two:
        two_hosts(home, one.url, two.url, chat=ollama(), offline=OFFLINE)

        (found,) = await seen(look, "ollama")

    assert found.message.startswith(f"{one.url} and {two.url} lack qwen3:8b, for chat")
    assert found.message.endswith("until then offline answers")


async def test_a_dead_host_beside_one_that_has_the_model_is_told_as_such(
    look: Look, home: Home
) -> None:
    async with OllamaDouble(["qwen3:8b"]) as one:
        two_hosts(home, one.url, "http://127.0.0.1:9", chat=ollama(fallback="chat"))

        (found,) = await seen(look, "ollama")

    assert found.level is Level.WARNING
    assert found.message.startswith("no Ollama at http://127.0.0.1:9: ")
    assert found.message.endswith("until then another host answers")


async def test_a_model_that_does_not_fit_the_gpu_is_told_with_how_much_does(
    look: Look, home: Home
) -> None:
    weights = Weights("qwen3:8b", size=20 * GIB)
    async with OllamaDouble([weights], rules=Rules(memory=5 * GIB)) as double:
        settings(home, double.url, chat=ollama(), offline=OFFLINE)
        await load(double, "qwen3:8b", 16_384)

        (found,) = await seen(look, "gpu")

    assert found.level is Level.WARNING
    assert found.message == "only 25% of qwen3:8b is in the memory of the GPU: it is slow"


def programs(tmp_path: Path, said: str, code: int = 0) -> str:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "nvidia-smi").write_text(SMI.format(said=said, code=code))
    (folder / "nvidia-smi").chmod(0o755)
    return str(folder)


def driver(tmp_path: Path) -> Path:
    file = tmp_path / "proc" / "driver" / "nvidia" / "version"
    file.parent.mkdir(parents=True)
    file.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module\n")
    return tmp_path / "proc"


def test_without_a_driver_nothing_is_said_of_gpus(look: Look, home: Home, tmp_path: Path) -> None:
    settings(home, "http://127.0.0.1:9", offline=OFFLINE, chat=OFFLINE)

    assert look("gpu", proc=tmp_path) == []
    assert look("gpu", proc=tmp_path, path=programs(tmp_path, "no device", code=9)) == []


def test_a_card_whose_program_fails_is_told(look: Look, home: Home, tmp_path: Path) -> None:
    settings(home, "http://127.0.0.1:9", chat=OFFLINE)
    said = "NVIDIA-SMI has failed: Driver/library version mismatch"

    (found,) = look("gpu", proc=driver(tmp_path), path=programs(tmp_path, said, code=18))

    assert found.level is Level.WARNING
    assert found.message == f"nvidia-smi failed: {said}"


async def test_a_model_beside_the_gpu_is_told_where_there_is_one(
    look: Look, home: Home, tmp_path: Path
) -> None:
    path = programs(tmp_path, "NVIDIA H200, 1024, 143771\\n")
    async with OllamaDouble(rules=Rules(memory=0)) as double:
        settings(home, double.url, chat=ollama(), offline=OFFLINE)
        await load(double, "qwen3:8b", 16_384)

        (found,) = await seen(look, "gpu", path=path)

        assert found.message.startswith("only 0% of qwen3:8b is in the memory of the GPU")
        assert await seen(look, "gpu", proc=tmp_path) == []
