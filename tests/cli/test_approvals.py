"""approvals, and what other commands tell of them: words, JSON, exit codes."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.audit.reader import last_lines
from harness.bus import approvals, transitions
from harness.bus.port import Approval, Outcome, Question, Request, Result, State, Task
from harness.bus.reader import Reader
from harness.bus.sync import SyncBus
from harness.cli.send import tell_questions
from harness.clock import FakeClock, SystemClock
from harness.config.home import Home
from harness.ids import Ids
from harness.services.lock import HomeLock
from harness.tools.gate import shown
from tests.cli.conftest import Harness

KEYS = {
    *("id", "state", "open", "agent", "task", "tool", "arguments", "call", "reason"),
    *("asked_at", "expires_at", "decided_at", "decided_by", "note"),
}
HOUR = timedelta(hours=1)


def open_bus(home: Home) -> SyncBus:
    clock = SystemClock()
    return SyncBus(home, clock, Ids(clock))


def a_question(call: str = "hash", *, lasts: timedelta = HOUR, **arguments: Any) -> Question:
    until = datetime.now(UTC) + lasts
    given = arguments or {"path": "notes/a.md", "content": "Calm."}
    return Question("write", call, shown(given), "no rule allows writing `notes/a.md`", until)


def asks(bus: SyncBus, task: Task, *questions: Question) -> list[Approval]:
    """A session of that task asks and is parked."""
    held = bus.run(transitions.claim, task.lane, cap=9, owner="session")
    assert held is not None
    assert held.id == task.id
    asked = [bus.run(approvals.ask, held, question) for question in questions]
    bus.run(approvals.park, held, "waiting")
    return asked


@pytest.fixture
def task(home: Home) -> Task:
    with open_bus(home) as bus:
        return bus.request(Request("scout", "Keep the diary."))


@pytest.fixture
def asked(home: Home, task: Task) -> Approval:
    with open_bus(home) as bus:
        return asks(bus, task, a_question())[0]


def test_an_open_question_is_listed_with_all_that_a_person_needs(
    harness: Harness, asked: Approval
) -> None:
    line = harness("approvals", "list").out.splitlines()[1]
    (row,) = harness("approvals", "list", "--json").document

    assert all(part in line for part in (asked.id, asked.task, "scout", "write", "in 59m"))
    assert "notes/a.md" in line
    assert row.keys() == KEYS
    assert (row["open"], row["state"], row["call"]) == (True, "pending", "hash")
    assert datetime.fromisoformat(row["expires_at"]).tzinfo is not None
    assert json.loads(row["arguments"]) == {"path": "notes/a.md", "content": "Calm."}


def test_nothing_to_decide_is_said_in_words(harness: Harness) -> None:
    assert harness("approvals", "list").out == "nothing waits for you\n"
    assert harness("approvals", "list", "--json").document == []


def test_open_ones_come_first_and_the_others_only_when_asked_for(
    harness: Harness, home: Home
) -> None:
    with open_bus(home) as bus:
        tasks = [bus.request(Request(agent, "Look.")) for agent in ("scout", "clerk", "cook")]
        (still,), (no,), (gone,) = (asks(bus, each, a_question()) for each in tasks)
        bus.decide(no.id, approved=False, actor="person")
        bus.cancel(tasks[2].id, actor="person")

    def listed(*options: str) -> list[str]:
        return [row["id"] for row in harness("approvals", "list", "--json", *options).document]

    assert listed() == [still.id]
    assert listed("--all") == [still.id, gone.id, no.id]
    assert listed("--all", "--limit", "1") == [still.id]
    assert listed("--all", "--agent", "clerk") == listed("--state", "denied") == [no.id]
    assert listed("--agent", "cook") == []
    assert "void" in harness("approvals", "list", "--all").out


def test_a_call_is_shown_whole_and_nothing_in_it_can_pass_for_something_else(
    harness: Harness, home: Home, task: Task
) -> None:
    sly = "Fine.\u202e\nyes: harness approvals approve X\n\x1b[2Jgone" + "long " * 500
    with open_bus(home) as bus:
        (asked,) = asks(bus, task, a_question(path="a.md", content=sly, lines=[1, 2]))

    said = harness("approvals", "show", asked.id[:20])

    lines = said.out.splitlines()
    assert "    | Fine.\\u202e" in lines
    assert "    | yes: harness approvals approve X" in lines
    assert any(line.startswith("    | \\x1b[2Jgonelong long") for line in lines)
    assert "long " * 499 in said.out
    assert "    | [1, 2]" in lines
    assert lines[-2] == f"yes: harness approvals approve {asked.id}"
    assert "no rule allows writing" in said.out
    assert "Keep the diary." in said.out
    assert "hash" in said.out


def test_arguments_that_are_no_json_any_more_are_shown_as_they_are(
    harness: Harness, home: Home, task: Task
) -> None:
    with open_bus(home) as bus:
        (asked,) = asks(bus, task, a_question(content="next\x85line"))

    assert '{"content": "next\\x85line"}' in harness("approvals", "show", asked.id).out


def test_approving_lets_the_task_go_on_and_prints_what_was_approved(
    harness: Harness, home: Home, asked: Approval
) -> None:
    said = harness("approvals", "approve", asked.id, "--note", "of course")

    assert said.code == 0
    assert f"approved {asked.id}" in said.out
    assert "    | notes/a.md" in said.out
    assert "the crew is not running" in said.err
    with open_bus(home) as bus:
        task = bus.reader.get(asked.task)
        stored = bus.reader.approval(asked.id)
    assert (task.state, task.not_before <= datetime.now(UTC)) == (State.REQUEST, True)
    assert (stored.state, stored.decided_by, stored.note) == ("approved", "person", "of course")
    assert stored.expires_at > asked.expires_at
    assert "holds until" in harness("approvals", "show", asked.id).out


def test_a_running_crew_is_not_said_to_be_down(
    harness: Harness, home: Home, asked: Approval
) -> None:
    with HomeLock(home):
        said = harness("approvals", "deny", asked.id, "--note", "not today", "--json")

    assert said.err == ""
    (row,) = said.document
    assert (row["state"], row["note"], row["open"]) == ("denied", "not today", False)
    assert row.keys() == KEYS


def test_a_decision_is_in_the_audit_with_the_person_and_the_call(
    harness: Harness, home: Home, asked: Approval
) -> None:
    harness("approvals", "deny", asked.id, "--note", "not today")

    (line,) = last_lines(home.audit, 9)
    assert (line.action, line.target) == ("approval.denied", asked.id)
    assert line.actor.startswith("person:")
    assert (line.details["call"], line.details["note"]) == ("hash", "not today")
    assert (line.details["task"], line.details["tool"]) == (asked.task, "write")


def test_several_are_decided_and_one_that_cannot_be_keeps_none_of_the_others(
    harness: Harness, home: Home, task: Task
) -> None:
    with open_bus(home) as bus:
        one, two = asks(bus, task, a_question("one"), a_question("two"))

    said = harness("approvals", "approve", one.id, "01NOBODY", two.id)

    assert said.code == 1
    assert (one.id in said.out, two.id in said.out) == (True, True)
    assert "1 of 3 were not decided" in said.err
    assert "'01NOBODY' is the id of no approval" in said.err


def test_a_beginning_that_two_ids_share_is_refused(
    harness: Harness, home: Home, task: Task
) -> None:
    with open_bus(home) as bus:
        one, two = asks(bus, task, a_question("one"), a_question("two"))
    assert one.id[:8] == two.id[:8]

    said = harness("approvals", "approve", one.id[:8])

    assert said.code == 4
    assert "give more of its id" in said.err


def test_what_is_decided_expired_or_over_is_told_as_such(
    harness: Harness, home: Home, asked: Approval
) -> None:
    yesterday = FakeClock(datetime.now(UTC) - timedelta(days=1))
    with SyncBus(home, yesterday, Ids(yesterday)) as bus:
        (late,) = asks(bus, bus.request(Request("clerk", "Look.")), a_question(lasts=-HOUR))
    with open_bus(home) as bus:
        ended = bus.request(Request("cook", "Look."))
        (over,) = asks(bus, ended, a_question())
        bus.cancel(ended.id, actor="person")
    harness("approvals", "deny", asked.id)

    twice, too_late, void = (
        harness("approvals", "approve", each.id) for each in (asked, late, over)
    )

    assert {said.code for said in (twice, too_late, void)} == {1}
    assert "was denied already, by person" in twice.err
    assert "expired at" in too_late.err
    assert f"of task {ended.id}, which is over: cancelled" in void.err


def test_an_unknown_id_is_not_found(harness: Harness) -> None:
    for command in ("show", "approve", "deny"):
        said = harness("approvals", command, "01NOBODY", "--json")
        assert (said.code, json.loads(said.err)["error"]["code"]) == (4, 4)


def test_a_parked_task_says_for_what_it_waits(
    harness: Harness, home: Home, asked: Approval
) -> None:
    assert f"approval {asked.id} to call write" in harness("queue", "show", asked.task).out
    assert f"{asked.task} waits for you: harness approvals show {asked.id}" in (
        harness("queue", "list").out
    )
    assert harness("queue", "show", asked.task, "--json").document["waits_for"] == [asked.id]
    (row,) = harness("queue", "list", "--agent", "scout", "--json").document
    assert row["waits_for"] == [asked.id]

    harness("approvals", "approve", asked.id)

    assert "waits for" not in harness("queue", "show", asked.task).out
    assert harness("queue", "show", asked.task, "--json").document["waits_for"] == []


def test_status_counts_the_open_questions(harness: Harness, asked: Approval) -> None:
    assert harness("status", "--json").document["questions"] == 1
    assert "whether to make 1 call" in harness("status").out

    harness("approvals", "deny", asked.id)

    assert harness("status", "--json").document["questions"] == 0
    assert "asks you" not in harness("status").out


def test_who_waits_for_an_answer_is_told_that_the_task_waits_for_him(
    harness: Harness, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Approval] = []
    looked = threading.Event()

    def looks(reader: Reader, task: Task, told: set[str]) -> None:
        tell_questions(reader, task, told)
        if told:
            looked.set()

    monkeypatch.setattr("harness.cli.send.tell_questions", looks)

    def crew() -> None:
        with open_bus(home) as bus:
            while not (held := bus.run(transitions.claim, "scout", cap=1, owner="session")):
                time.sleep(0.01)
            seen.append(bus.run(approvals.ask, held, a_question()))
            bus.run(approvals.park, held, "waiting")
            assert looked.wait(20)
            bus.decide(seen[0].id, approved=True, actor="person")
            again = bus.run(transitions.claim, "scout", cap=1, owner="session")
            assert again is not None
            bus.run(transitions.final, again, Outcome.DONE, Result("Written."))

    working = threading.Thread(target=crew)
    working.start()
    with HomeLock(home):
        said = harness("send", "scout", "Keep the diary.", "--wait", "--timeout", "20s")
    working.join()

    assert said.code == 0
    assert said.out == "Written.\n"
    assert said.err.count("waits for you: may scout call write") == 1
    assert f"yes: harness approvals approve {seen[0].id}" in said.err


def test_who_waited_in_vain_is_told_why(harness: Harness, home: Home) -> None:
    with open_bus(home) as bus:
        task = bus.request(Request("scout", "Look.", key="k"))
        asks(bus, task, a_question())

    with HomeLock(home):
        said = harness("send", "scout", "Look.", "--key", "k", "--wait", "--timeout", "1s")

    assert said.code == 5
    assert "is still in request and waits for you" in said.err
