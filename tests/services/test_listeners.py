"""Listeners of other processes: told by pipes that tear no line and keep nothing of the dead."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bus.port import Outcome, Result
from harness.clock import FakeClock
from harness.models.port import ToolCall
from harness.services.ear import Ear
from harness.services.happening import Ended, Said, StepTaken
from harness.services.listener import WORDS
from harness.services.listeners import LINE_BYTES, LOOK_SECONDS, Listeners, lines_of
from harness.services.live import LISTENERS, Live, Speaker
from harness.session import steps
from harness.session.steps import Reason, ToolStarted, TurnStarted
from harness.text.secrets import Redactor
from harness.text.veil import Unsecret

PIPE_CHARS = 65_536  # what the kernel holds of one pipe


@pytest.fixture
def live() -> Live:
    return Live()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "listeners"


@pytest.fixture
async def listeners(folder: Path, live: Live, clock: FakeClock) -> AsyncIterator[Listeners]:
    stop, service = asyncio.Event(), Listeners(folder, live, clock)
    running = asyncio.create_task(service.run(stop))
    await until((folder / "bells").exists)
    yield service
    stop.set()
    await running


def speaker_of(live: Live) -> Speaker:
    redactor = Redactor()
    return live.speaker("TASK1", 1, redactor, lambda: Unsecret(redactor))


async def until(holds: Callable[[], bool]) -> None:
    """Give the service room until that is so; fail after 5 s."""
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.001)


async def heard_to_the_end(ear: Ear) -> list[dict[str, Any]]:
    """All that comes up to the end of an attempt."""
    heard: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while not heard or heard[-1]["type"] != "ended":
            heard += ear.hear(0)
            await asyncio.sleep(0)
    return heard


def words_of(heard: list[dict[str, Any]]) -> str:
    return "".join(each["text"] for each in heard if each["type"] == "said")


async def test_another_process_hears_steps_and_words(
    listeners: Listeners, live: Live, folder: Path
) -> None:
    with Ear(folder, "TASK1") as ear:
        await until(lambda: bool(listeners.telling))
        with speaker_of(live) as speaker:
            speaker.step(TurnStarted(1, 10))
            speaker.hear("Grüße an 🏠.\n")

        heard = await heard_to_the_end(ear)

    assert heard[0] == {"type": "turn", "turn": 1, "prompt_tokens": 10}
    assert words_of(heard) == "Grüße an 🏠.\n"
    assert heard[-1]["reason"] == "broke_off"


async def test_only_the_owner_may_look_into_the_pipes(listeners: Listeners, folder: Path) -> None:
    with Ear(folder, "TASK1") as ear:
        assert stat.S_IMODE(ear.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_what_is_no_pipe_is_never_written_to(
    listeners: Listeners, live: Live, folder: Path, clock: FakeClock, tmp_path: Path
) -> None:
    secret, aim = tmp_path / "aim", folder / "TASK1.link"
    secret.write_text("as it was")
    (folder / "TASK1.file").write_text("as it was")
    (folder / "TASK1.folder").mkdir()
    (folder / "TASK1.null").symlink_to("/dev/null")
    aim.symlink_to(secret)

    await clock.advance(LOOK_SECONDS)
    with speaker_of(live) as speaker:
        speaker.hear("words ")

    assert listeners.telling == {}
    assert {secret.read_text(), (folder / "TASK1.file").read_text()} == {"as it was"}


async def test_pipes_by_the_thousand_take_no_more_than_the_places_there_are(
    listeners: Listeners, live: Live, folder: Path, clock: FakeClock
) -> None:
    readers = []
    for number in range(2 * LISTENERS):
        os.mkfifo(pipe := folder / f"TASK1.{number}", 0o600)
        readers.append(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
    before = open_files()

    await clock.advance(LOOK_SECONDS)
    await until(lambda: len(listeners.telling) > 0)
    taken, opened = len(listeners.telling), open_files() - before
    for reader in readers:
        os.close(reader)

    assert taken == LISTENERS
    assert opened <= LISTENERS


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_a_reader_who_takes_nothing_holds_up_nobody_and_hears_how_much_is_missing(
    listeners: Listeners, live: Live, folder: Path
) -> None:
    with Ear(folder, "TASK1") as ear, speaker_of(live) as speaker:
        await until(lambda: bool(listeners.telling))
        for _ in range(400):
            for _ in range(100):
                speaker.hear("light ")
            await asyncio.sleep(0)
        speaker.end(steps.Ended(Reason.COMPLETED, Outcome.DONE, Result()))

        heard = await heard_to_the_end(ear)

    missed = sum(each["chars"] for each in heard if each["type"] == "missed")
    assert len(words_of(heard)) + missed == 240_000
    assert len(words_of(heard)) <= WORDS + PIPE_CHARS
    assert missed > 0


async def test_a_killed_reader_leaves_no_pipe_and_nothing_open(
    listeners: Listeners, live: Live, folder: Path, clock: FakeClock
) -> None:
    code = "import sys, time, pathlib; from harness.services.ear import Ear\n"
    code += "ear = Ear(pathlib.Path(sys.argv[1]), 'TASK1'); print('up', flush=True); time.sleep(60)"
    reader = subprocess.Popen([sys.executable, "-c", code, folder], stdout=subprocess.PIPE)
    await until(lambda: bool(listeners.telling))
    before = len(list(Path("/dev/fd").iterdir()))

    reader.kill()
    reader.communicate()
    await asyncio.sleep(0)
    await clock.advance(LOOK_SECONDS)
    await until(lambda: not listeners.telling)

    assert [path.name for path in folder.iterdir()] == ["bells"]
    assert len(list(Path("/dev/fd").iterdir())) < before
    with speaker_of(live) as speaker:
        speaker.hear("Nobody hears this.")


async def test_a_pipe_that_was_there_before_the_daemon_is_taken_up_and_a_dead_one_removed(
    folder: Path, live: Live, clock: FakeClock
) -> None:
    (folder / "bells").mkdir(parents=True)
    os.mkfifo(folder / "bells" / "99-0")
    os.mkfifo(folder / "TASK1.99-0")
    (folder / "TASK1.99-1").write_text("no pipe")
    with Ear(folder, "TASK1") as ear:
        stop, service = asyncio.Event(), Listeners(folder, live, clock)
        running = asyncio.create_task(service.run(stop))
        await until(lambda: bool(service.telling))

        with speaker_of(live):
            pass

        assert [each["type"] for each in await heard_to_the_end(ear)] == ["ended"]
        stop.set()
        await running
    assert sorted(path.name for path in folder.iterdir()) == ["TASK1.99-1", "bells"]
    assert (folder / "TASK1.99-1").read_text() == "no pipe"
    assert list((folder / "bells").iterdir()) == []


odd = st.text(st.sampled_from('a"\n\\\x00é🏠\ud800'), max_size=2000)


@given(odd)
def test_no_line_is_longer_than_what_a_pipe_takes_whole(text: str) -> None:
    call = ToolCall(text, text, {text: text, "b": text})
    for happening in (Said(text), StepTaken(ToolStarted(1, call)), Ended(1, text, text, text)):
        assert all(len(line) <= LINE_BYTES for line in lines_of(happening))
        assert all(line.endswith(b"}\n") and line.count(b"\n") == 1 for line in lines_of(happening))
