"""The command line under odd input, odd places and odd terminals: an error, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.bus import transitions
from harness.bus.port import Request
from harness.bus.sync import SyncBus
from harness.clock import FakeClock
from harness.config.home import Home
from harness.ids import Ids
from tests.cli.conftest import Harness

PROGRAM = [sys.executable, "-m", "harness"]


def run(home: Home, *arguments: str | bytes, **more: object) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own."""
    given = {"capture_output": True, "text": True, "timeout": 30} | more
    environment = os.environ | {"HARNESS_HOME": str(home.root)} | dict(given.pop("env", {}))  # type: ignore[call-overload]
    return subprocess.run([*PROGRAM, *arguments], env=environment, **given)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def dead(harness: Harness, home: Home) -> str:
    """A dead letter, asked long ago; its id."""
    clock = FakeClock()
    with SyncBus(home, clock, Ids(clock)) as bus:
        bus.request(Request("scout", "Look \x1b[31mred\x1b[0m\x07."))
        task = bus.run(transitions.claim, "scout", cap=1, owner="s")
        assert task is not None
        return bus.run(transitions.fail, task, "no sea", permanent=True).id


@pytest.mark.parametrize("text", ["", "  \n "])
def test_an_empty_request_is_refused(harness: Harness, text: str) -> None:
    said = harness("send", "scout", text)

    assert (said.code, said.out) == (2, "")
    assert "the request is empty" in said.err


def test_a_long_request_comes_from_stdin(harness: Harness, home: Home) -> None:
    said = run(home, "send", "scout", "-", "--json", input="Look.\n" * 100_000)

    assert said.returncode == 0
    assert len(json.loads(said.stdout)["prompt"]) == 600_000


def test_a_key_that_belongs_to_another_request_is_refused(harness: Harness) -> None:
    first = harness("send", "scout", "Look.", "--key", "k", "--json").document
    again = harness("send", "scout", "Look.", "--key", "k", "--json").document
    other = harness("send", "scout", "Listen.", "--key", "k")

    assert first["id"] == again["id"]
    assert other.code == 2
    assert f"belongs to task {first['id']}" in other.err
    assert harness("send", "scout", "Look.", "--key", "").code == 2


def test_an_agent_whose_file_is_bad_is_asked_with_a_word_of_warning(
    harness: Harness, home: Home
) -> None:
    (home.agent("scout") / "SOUL.md").write_text("---\nname: [\n---\n")

    said = harness("send", "scout", "Look.")

    assert said.code == 0
    assert "SOUL.md:2:8: a bracket is opened and never closed" in said.err


@pytest.mark.skipif(os.name != "posix", reason="arguments are bytes on POSIX alone")
def test_bytes_that_are_no_text_are_refused(harness: Harness, home: Home) -> None:
    said = run(home, "send", "scout", b"a\xffb")

    assert said.returncode == 2
    assert "argument 3 is not valid UTF-8" in said.stderr
    assert "Traceback" not in said.stderr


def test_what_a_narrow_locale_cannot_print_is_printed_all_the_same(
    harness: Harness, home: Home
) -> None:
    harness("send", "scout", "Bücher 😀")

    narrow = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    said = run(home, "queue", "list", env=narrow)

    assert said.returncode == 0
    assert "cher" in said.stdout


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_closed_stream_is_no_crash(harness: Harness, home: Home, closed: str) -> None:
    number = {"stdout": 1, "stderr": 2}[closed]

    said = subprocess.run(
        ["sh", "-c", f'"$@" {number}>&-', "sh", *PROGRAM, "queue", "list"],
        env=os.environ | {"HARNESS_HOME": str(home.root)},
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert "Traceback" not in said.stderr + said.stdout


def test_a_reader_that_goes_away_is_no_error(harness: Harness, home: Home) -> None:
    for number in range(30):
        harness("send", "scout", f"Look {number}. " * 2000)

    piped = f'{sys.executable} -m harness queue list --json --limit 30; echo "code $?" >&2'
    said = subprocess.run(
        ["sh", "-c", f"({piped}) | head -c 10"],
        env=os.environ | {"HARNESS_HOME": str(home.root)},
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert said.stderr == "code 0\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_an_answer_that_cannot_be_written_is_told(harness: Harness, home: Home) -> None:
    with Path("/dev/full").open("w") as full:
        said = run(home, "cron", "list", capture_output=False, stdout=full, stderr=-1)

    assert said.returncode == 1
    assert said.stderr.startswith("error: the answer cannot be written: No space left")


def test_a_file_in_the_way_is_named(harness: Harness, home: Home, tmp_path: Path) -> None:
    home.state.write_text("in the way")
    for command in (["status"], ["queue", "list"], ["up"]):
        said = run(home, *command)
        assert said.returncode == 1
        assert said.stderr.startswith(f"error: {home.state} is no folder")

    (tmp_path / "file").write_text("")
    assert run(home, "init", str(tmp_path / "file")).returncode == 2
    refused = run(home, "init", str(tmp_path / "file" / "below"))
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr


def test_what_would_command_a_terminal_is_shown_and_not_obeyed(harness: Harness, dead: str) -> None:
    for arguments in (["queue", "list"], ["queue", "show", dead], ["dead", "list"]):
        said = harness(*arguments)
        assert "\x1b" not in said.out
        assert "\x07" not in said.out
    assert "\\x1b[31mred" in harness("queue", "show", dead).out


def test_a_stale_letter_is_sent_again_with_its_age(harness: Harness, dead: str) -> None:
    said = harness("dead", "resend", dead)

    assert said.code == 0
    assert "ago: task" in said.err
    assert "waits again" in said.out


def test_yes_asks_nothing_and_says_nothing(harness: Harness, dead: str) -> None:
    assert harness("queue", "resend", dead, "--yes").err == ""


def test_options_may_come_before_the_command(harness: Harness, home: Home) -> None:
    said = run(home, "--home", str(home.root), "--json", "queue", "list", env={"HARNESS_HOME": ""})

    assert (said.returncode, json.loads(said.stdout)) == (0, [])


def test_a_job_may_be_named_like_a_command(harness: Harness, home: Home) -> None:
    home.cron_file.write_text("jobs:\n  next: {agent: scout, every: 1d, prompt: Look.}\n")

    assert harness("cron", "pause", "next").code == 0


@pytest.mark.parametrize("arguments", [("queue", "list", "--limit", "0"), ("frob",)])
def test_wrong_usage_is_json_where_json_is_asked(
    harness: Harness, arguments: tuple[str, ...]
) -> None:
    said = harness(*arguments, "--json")

    assert (said.code, said.out) == (2, "")
    assert json.loads(said.err)["error"]["code"] == 2


def test_lists_keep_to_their_limit(harness: Harness) -> None:
    assert len(harness("cron", "list", "--limit", "1", "--json").document) == 1
    assert len(harness("agents", "list", "--limit", "1", "--json").document) == 1
    upcoming = harness("cron", "next", "--until", "9999-12-31", "--limit", "3", "--json")
    assert len(upcoming.document) == 3


def test_what_is_not_there_is_not_found(harness: Harness) -> None:
    assert harness("cron", "history", "evening").code == 4
    assert harness("queue", "list", "--agent", "scuot").code == 4
