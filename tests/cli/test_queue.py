"""send, queue and dead: the words, the JSON and the exit codes that scripts rely on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.bus import transitions
from harness.bus.port import Outcome, Result
from harness.bus.sync import SyncBus
from harness.clock import SystemClock
from harness.config.home import Home
from harness.ids import Ids
from tests.cli.conftest import Harness

TASK_KEYS = {
    *("id", "agent", "from", "title", "prompt", "state", "outcome", "attempt", "max_attempts"),
    *("priority", "key", "parent", "root", "job", "created_at", "updated_at", "not_before"),
    *("lease_until", "owner", "result", "error"),
}


def open_bus(home: Home) -> SyncBus:
    clock = SystemClock()
    return SyncBus(home, clock, Ids(clock))


def make_dead(home: Home, task_id: str) -> None:
    with open_bus(home) as bus:
        held = bus.run(transitions.claim, "scout", cap=1, owner="session")
        assert held is not None
        assert held.id == task_id
        bus.run(transitions.fail, held, "no such page", permanent=True)


def test_send_with_the_daemon_down_stores_the_request_and_says_so(harness: Harness) -> None:
    said = harness("send", "scout", "Look around.", "--json")

    assert said.code == 0
    assert said.document.keys() >= TASK_KEYS
    assert said.document["state"] == "request"
    assert (said.document["from"], said.document["deliver"]) == ("person", ["archive", "log"])
    assert "the crew is not running" in said.err
    listed = harness("queue", "list", "--json").document
    assert [task["id"] for task in listed] == [said.document["id"]]


def test_the_same_key_asks_for_the_same_task(harness: Harness) -> None:
    first, second = (harness("send", "scout", "Look.", "--key", "k", "--json") for _ in range(2))

    assert first.document["id"] == second.document["id"]


def test_an_unknown_agent_is_refused_with_the_name_that_was_meant(harness: Harness) -> None:
    said = harness("send", "scuot", "Look.")

    assert said.code == 4
    assert "did you mean `scout`?" in said.err
    assert harness("queue", "list", "--json").document == []


def test_waiting_for_a_daemon_that_does_not_run_is_exit_code_3(harness: Harness) -> None:
    said = harness("send", "scout", "Look.", "--wait")

    assert said.code == 3
    assert "is stored" in said.err


def test_queue_show_tells_every_event(harness: Harness) -> None:
    task = harness("send", "scout", "Look.", "--json").document["id"]

    shown = harness("queue", "show", task, "--json").document
    text = harness("queue", "show", task[:12]).out

    assert [(event["seq"], event["state"], event["actor"]) for event in shown["events"]] == [
        (1, "request", "person")
    ]
    assert shown["events"][0].keys() == {
        *("seq", "state", "outcome", "attempt", "actor", "at", "note")
    }
    assert task in text


def test_a_result_has_the_shape_of_the_contract(harness: Harness, home: Home) -> None:
    task = harness("send", "scout", "Look.", "--json").document["id"]
    with open_bus(home) as bus:
        held = bus.run(transitions.claim, "scout", cap=1, owner="session")
        assert held is not None
        bus.run(transitions.final, held, Outcome.DONE, Result(text="Here.", degraded=True))

    result = harness("queue", "show", task, "--json").document["result"]

    assert result == {
        "text": "Here.",
        "data": None,
        "artifacts": [],
        "tokens": {"prompt": 0, "completion": 0},
        "model": "",
        "steps": 0,
        "degraded": True,
    }


def test_a_task_can_be_cancelled_once(harness: Harness) -> None:
    task = harness("send", "scout", "Look.", "--json").document["id"]

    assert harness("queue", "cancel", task, "--json").document["outcome"] == "cancelled"
    again = harness("queue", "cancel", task)

    assert again.code == 1
    assert "it is over" in again.err


def test_a_dead_letter_is_listed_resent_and_purged(harness: Harness, home: Home) -> None:
    task = harness("send", "scout", "Look.", "--key", "k", "--json").document["id"]
    make_dead(home, task)

    (dead,) = harness("dead", "list", "--json").document
    sent = harness("dead", "resend", task, "--json").document[0]

    assert (dead["id"], dead["error"]) == (task, "no such page")
    assert (sent["id"], sent["key"], sent["state"]) == (task, "k", "request")
    make_dead(home, task)
    assert harness("dead", "purge", "--older", "1d", "--json").document == []
    assert [gone["id"] for gone in harness("dead", "purge", "--json").document] == [task]
    assert harness("dead", "list", "--json").document == []


def test_a_task_that_lives_is_no_dead_letter(harness: Harness) -> None:
    task = harness("send", "scout", "Look.", "--json").document["id"]

    assert harness("dead", "show", task).code == 4
    assert harness("queue", "resend", task).code == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("queue", "show", "01ABC"), 4),
        (("queue", "list", "--state", "nowhere"), 2),
        (("queue", "lits"), 2),
        (("send", "scout"), 2),
        (("nonsense",), 2),
        (("queue", "list", "--home", "/nowhere/at/all"), 4),
        (("cron", "run", "mornin"), 4),
        (("cron", "next", "--until", "soon"), 2),
    ],
)
def test_the_exit_code_tells_what_went_wrong(
    harness: Harness, arguments: tuple[str, ...], code: int
) -> None:
    said = harness(*arguments)

    assert said.code == code
    assert said.out == ""
    assert said.err


def test_an_error_as_json_goes_to_stderr_as_one_document(harness: Harness) -> None:
    said = harness("queue", "show", "01ABC", "--json")

    assert said.out == ""
    assert json.loads(said.err)["error"]["code"] == 4


def test_a_home_can_be_named_by_an_option(harness: Harness, home: Home, tmp_path: Path) -> None:
    other = tmp_path / "other"
    harness("init", other)

    assert harness("send", "zoe", "Hello.", "--home", other, "--json").code == 0
    assert harness("queue", "list", "--json").document == []
