"""The transcript: what is written reads back, whatever text it holds and however it ends."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bus.port import Outcome, Result
from harness.clock import FakeClock
from harness.errors import HarnessError
from harness.models.port import Message, Reply, Role, ToolCall, Usage
from harness.session.steps import (
    Compacted,
    Ended,
    NoteArrived,
    Reason,
    Replied,
    Step,
    ToolFinished,
    ToolStarted,
    TurnStarted,
)
from harness.session.transcript import Header, Transcript, read_transcript, record
from harness.text.secrets import Redactor
from harness.tools.tool import ToolResult
from tests.session.doubles import Actor, call, says, session_of

HEADER = Header("01TASK", "scout", 2, "ollama/qwen3:8b")

anything = st.characters(codec="utf-8") | st.sampled_from("\ud800\u2028\u0085")
# secrets are left out of a transcript on purpose: nothing here may look like one
texts = st.text(anything, max_size=30).filter(lambda text: not Redactor().suspects(text))
numbers = st.integers(0, 10**9)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
calls = st.builds(ToolCall, texts, texts, st.dictionaries(texts, values, max_size=3))
messages = st.builds(
    Message,
    st.just(Role.ASSISTANT),
    texts,
    st.lists(calls, max_size=3).map(tuple),
    st.none() | texts,
    st.none() | texts,
)
replies = st.builds(
    Reply,
    messages,
    st.builds(Usage, numbers, numbers, st.booleans()),
    texts,
    st.booleans(),
    texts,
    st.dictionaries(texts, st.floats(allow_nan=False), max_size=3),
)
outcomes = st.builds(
    Result,
    texts,
    values,
    st.lists(texts, max_size=3).map(tuple),
    st.fixed_dictionaries({"prompt": numbers, "completion": numbers}),
    texts,
    numbers,
    st.booleans(),
)
steps = (
    st.builds(TurnStarted, numbers, numbers)
    | st.builds(NoteArrived, texts, texts)
    | st.builds(Replied, numbers, replies)
    | st.builds(ToolStarted, numbers, calls)
    | st.builds(
        ToolFinished,
        numbers,
        st.builds(ToolResult, texts, texts, texts, st.booleans(), values, st.none() | texts),
    )
    | st.builds(Compacted, texts, numbers, numbers, texts)
    | st.builds(
        Ended, st.sampled_from(Reason), st.sampled_from(Outcome), outcomes, texts, st.booleans()
    )
)


def write(folder: Path, *written: Step) -> Path:
    with Transcript(folder, HEADER, FakeClock()) as transcript:
        for step in written:
            transcript.write(step)
    return transcript.path


@given(st.lists(steps, max_size=6))
def test_every_step_reads_back_as_it_was(written: list[Step]) -> None:
    with TemporaryDirectory() as folder:
        recorded = read_transcript(write(Path(folder), *written))

    assert recorded.header == HEADER
    assert list(recorded.steps) == written


@given(st.lists(steps, min_size=1, max_size=3), st.data())
def test_a_torn_last_line_costs_no_more_than_its_step(
    written: list[Step], data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        path = write(Path(folder), *written)
        whole = path.read_bytes()
        last = len(whole[:-1].rsplit(b"\n", 1)[1])
        path.write_bytes(whole[: -data.draw(st.integers(2, last))])

        recorded = read_transcript(path)

    assert list(recorded.steps) == written[:-1]


async def test_a_recorded_session_reads_back_with_the_end_it_had(tmp_path: Path) -> None:
    session = session_of(Actor(says("", call("echo", text="é")), says("Done.")))

    with Transcript(tmp_path, HEADER, FakeClock()) as transcript:
        ended = await record(session, transcript)

    assert read_transcript(transcript.path).steps[-1] == ended


async def test_each_step_is_in_the_file_before_it_is_told(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path, HEADER, FakeClock())
    told: list[Step] = []

    async def look(step: Step) -> None:
        told.append(step)
        assert list(read_transcript(transcript.path).steps) == told

    with transcript:
        await record(session_of(Actor(says("", call("echo")), says("Done."))), transcript, look)

    assert len(told) == 7


def test_lines_carry_time_and_type_and_the_header_comes_first(tmp_path: Path) -> None:
    clock = FakeClock()
    with Transcript(tmp_path, HEADER, clock) as transcript:
        clock.shift(timedelta(seconds=5))
        transcript.write(TurnStarted(1, 100))

    first, second = (json.loads(line) for line in transcript.path.read_text().splitlines())
    assert first["type"] == "session"
    assert first["model"] == "ollama/qwen3:8b"
    assert first["version"]
    assert (second["type"], second["at"]) == ("turn", "2026-01-01T00:00:05.000+00:00")


def test_the_file_is_named_by_task_and_attempt_and_for_the_owner_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "sessions")

    assert path.name == "01TASK-2.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_second_session_of_an_attempt_overwrites_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, TurnStarted(1, 100))
    with path.open("ab") as file:
        file.write(b'{"type": "turn", "tu')  # and the machine lost its power

    write(tmp_path, TurnStarted(1, 200))

    assert read_transcript(path).steps == (TurnStarted(1, 200),)
    assert b'"prompt_tokens": 100' in path.read_bytes()


def test_data_that_is_no_json_is_written_as_text(tmp_path: Path) -> None:
    path = write(tmp_path, ToolFinished(1, ToolResult("c", "n", "text", data={"at": Path("x")})))

    (step,) = read_transcript(path).steps

    assert isinstance(step, ToolFinished)
    assert step.result.data == {"at": "x"}


def test_a_file_without_a_header_is_no_transcript(tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text("{}\n")

    with pytest.raises(HarnessError, match="no transcript"):
        read_transcript(path)


@pytest.mark.parametrize(
    "line",
    [
        '{"type": "result", "turn": 1, "call_id": 5}',
        '{"type": "reply", "turn": 1, "message": {"role": "user", "content": 5, "tool_calls": []}}',
        '{"type": "reply", "turn": 1, "message": 5}',
        '{"type": "call", "turn": 1, "id": "1", "name": "rss", "arguments": 5}',
        "[" * 100_000,
        '"text"',
    ],
)
def test_a_line_of_another_shape_ends_the_session_that_is_read(tmp_path: Path, line: str) -> None:
    with Transcript(tmp_path, HEADER, FakeClock()) as transcript:
        transcript.write(TurnStarted(1, 10))
    with transcript.path.open("a") as file:
        file.write(line + "\n")

    assert read_transcript(transcript.path).steps == (TurnStarted(1, 10),)
