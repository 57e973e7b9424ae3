"""The real daemon as a real process: started, asked, stopped, killed, started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.feed_server import FeedServer
from tests.doubles.ollama import Answer, Fault, OllamaDouble
from tests.flows.house import House

pytestmark = pytest.mark.chaos

PATIENCE = 30.0  # seconds that anything may take before the test gives up


class Process:
    """`harness up` on a home."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[str] = []

    async def hear(self, words: str) -> str:
        """The next line of its log that has these words."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while line := (await self.process.stderr.readline()).decode():
                self.said.append(line)
                if words in line:
                    return line
        raise AssertionError(f"it ended without saying {words!r}: {''.join(self.said)}")

    async def end(self, by: signal.Signals) -> int:
        self.process.send_signal(by)
        async with asyncio.timeout(PATIENCE):
            await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode


@asynccontextmanager
async def up(root: Path, **environment: str) -> AsyncIterator[Process]:
    process = Process(
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "harness", "up", "--home", str(root)),
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **environment},
        )
    )
    try:
        await process.hear("ask it:")
        yield process
    finally:
        if process.process.returncode is None:
            await process.end(signal.SIGKILL)


async def harness(root: Path, *arguments: str) -> tuple[int, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "harness", *arguments, "--home", str(root), "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, json.loads(out) if out else None


async def test_a_person_asks_waits_and_stops_the_crew(house: House, feeds: FeedServer) -> None:
    root = house.home.root
    async with up(root) as daemon:
        asked = await harness(root, "send", "ainews", "Digest now", "--wait", "--timeout", "25s")
        _, status = await harness(root, "status")
        second = await harness(root, "up")
        stopped = await daemon.end(signal.SIGINT)

    code, task = asked
    assert (code, task["outcome"], task["result"]["degraded"]) == (0, "done", True)
    assert status["running"] is True
    assert second[0] == 6
    assert stopped == 0
    assert len(house.pages()) == 1


async def test_a_crew_that_is_killed_in_the_middle_answers_once_after_the_next_start(
    house: House,
) -> None:
    root = house.home.root
    async with OllamaDouble() as ollama:
        chat = {"provider": "ollama", "model": "qwen3:8b"}
        house.settings["models"] = {"default": "chat", "profiles": {"chat": chat}}
        house.write()
        house.agent("scout", model="chat")
        ollama.say(Answer("never", fault=Fault.HANG), Answer("Here it is."))

        async with up(root, OLLAMA_HOST=ollama.url) as daemon:
            _, task = await harness(root, "send", "scout", "Look.")
            await daemon.hear("task taken up")
            async with asyncio.timeout(PATIENCE):
                while not ollama.chats:
                    await asyncio.sleep(0.01)
            await daemon.end(signal.SIGKILL)
        async with up(root, OLLAMA_HOST=ollama.url) as daemon:
            await daemon.hear("channel=log")
            await daemon.end(signal.SIGTERM)

    _, shown = await harness(root, "queue", "show", task["id"])
    assert [event["state"] for event in shown["events"]] == [
        *("request", "confirmed", "request", "confirmed", "final")
    ]
    assert shown["result"]["text"] == "Here it is."
    assert len(house.pages()) == 1


async def test_a_stop_in_the_middle_hands_the_task_back_unspent(house: House) -> None:
    root = house.home.root
    async with OllamaDouble() as ollama:
        chat = {"provider": "ollama", "model": "qwen3:8b"}
        house.settings["models"] = {"default": "chat", "profiles": {"chat": chat}}
        house.write()
        house.agent("scout", model="chat")
        ollama.say(Answer("never", fault=Fault.HANG))

        async with up(root, OLLAMA_HOST=ollama.url) as daemon:
            _, task = await harness(root, "send", "scout", "Look.")
            await daemon.hear("task taken up")
            code = await daemon.end(signal.SIGTERM)

    _, shown = await harness(root, "queue", "show", task["id"])
    assert code == 0
    assert (shown["state"], shown["error"]) == ("request", None)


async def test_a_hangup_has_the_files_read_again_unchanged_as_they_are(house: House) -> None:
    async with up(house.home.root) as daemon:
        daemon.process.send_signal(signal.SIGHUP)
        await daemon.hear("files read again")
        code = await daemon.end(signal.SIGTERM)

    assert code == 0


@pytest.mark.parametrize(
    ("settings", "environment"),
    [
        ("network: {allow: [localhost]}\n", {}),
        ("models:\n", {"OLLAMA_HOST": "box:11434"}),
        ("", {"HARNESS_NETWORK__ALLOW": "localhost"}),
        ("[" * 3000, {}),
    ],
)
def test_settings_that_cannot_run_are_exit_code_78(
    house: House, settings: str, environment: dict[str, str]
) -> None:
    house.home.settings_file.write_text(settings)

    ran = subprocess.run(
        [sys.executable, "-m", "harness", "up", "--home", str(house.home.root)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )

    assert ran.returncode == 78
    assert "Traceback" not in ran.stderr


async def test_a_schedule_that_cannot_run_is_exit_code_78(house: House) -> None:
    house.home.cron_file.write_text("jobs: [\n")

    code, _ = await harness(house.home.root, "up")

    assert code == 78


async def test_a_service_manager_is_told_when_the_crew_is_ready_lives_and_stops(
    house: House, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        async with up(house.home.root, **told) as daemon:
            said = [await asyncio.to_thread(manager.recv, 4096) for _ in range(4)]
            assert await daemon.end(signal.SIGTERM) == 0
        manager.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                said.append(manager.recv(4096))

    assert said[0].startswith(b"READY=1\nSTATUS=")
    assert said[1:4] == [b"WATCHDOG=1"] * 3
    assert b"STOPPING=1" in said


async def test_launchd_is_not_made_to_start_a_configuration_that_cannot_run(house: House) -> None:
    house.home.cron_file.write_text("jobs: [\n")
    command = [sys.executable, "-m", "harness", "up", "--home", str(house.home.root)]
    codes = []
    for service in ("launchd", ""):
        ended = await asyncio.create_subprocess_exec(
            *command, env=os.environ | {"HARNESS_SERVICE": service}, stderr=asyncio.subprocess.PIPE
        )
        _, said = await ended.communicate()
        assert b"cron.yaml:1:" in said
        codes.append(ended.returncode)

    assert codes == [0, 78]


async def test_a_daemon_whose_database_is_removed_ends_and_writes_it_anew(house: House) -> None:
    house.agent("scout")
    root = house.home.root
    async with up(root) as daemon:
        _, task = await harness(root, "send", "scout", "Look.", "--wait", "--timeout", "25s")
        house.home.database.unlink()
        said = await daemon.hear("error: the database was removed")
        async with asyncio.timeout(PATIENCE):
            await daemon.process.communicate()
    assert said
    assert daemon.process.returncode == 1

    code, found = await harness(root, "queue", "show", task["id"])
    assert (code, found["outcome"]) == (0, "done")
