"""harness memory reflect, proposals, approve and reject, as a person types them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from harness.clock import FakeClock
from harness.config.home import Home
from harness.ids import Ids
from harness.memory.learning import Kind, Observation, Source
from harness.memory.lessons.book import Book
from harness.memory.team.proposals import ProposalKind, Proposals, Wish
from harness.text.secrets import Redactor
from tests.cli.conftest import Harness

FIX = "When reading a table, use BILLBOARD_BUY_AMT instead of BUY_AMT."


def lesson(home: Home, *, times: int = 3) -> str:
    """A lesson of scout's from the last days: not of today, which has not come in every zone."""
    known = Book(home, "scout", Redactor())
    now = datetime.now(UTC) - timedelta(days=1)
    entry = ""
    for day in range(times):
        entry = known.record(
            Observation(
                Kind.ERROR,
                "read",
                "data/BUY_AMT.csv is not there.",
                Source.TOOL,
                f"task{day}",
                now - timedelta(days=day),
                key="data.wrong-field",
                fix=FIX,
            )
        ).id
    return entry


@pytest.fixture
def proposal(home: Home, clock: FakeClock) -> str:
    wish = Wish(ProposalKind.PROTOCOL, FIX, ("a", "b"), ("a/ERR-20261101-001",), "Seen by two.")
    ids = Ids(clock, random.Random(7).getrandbits)
    made = Proposals(home, Redactor()).make(wish, ids, clock.now())
    assert made is not None
    return made.id


def test_a_dry_run_explains_each_lesson_and_changes_nothing(home: Home, harness: Harness) -> None:
    entry = lesson(home, times=2)
    before = {path: path.read_bytes() for path in home.memory("scout").rglob("*.md")}

    said = harness("memory", "reflect", "--dry-run")
    (candidate,) = harness("memory", "reflect", "scout", "--dry-run", "--json").document

    assert said.code == 0
    assert f"not yet  scout: {entry}" in said.out
    assert "seen 2 of 3 times" in said.out
    assert (candidate["ready"], candidate["lacking"]) == (False, ["seen 2 of 3 times"])
    assert len(candidate["reasons"]) > 3
    assert before == {path: path.read_bytes() for path in home.memory("scout").rglob("*.md")}
    assert not home.database.exists()


def test_without_the_daemon_reflection_is_done_here_and_says_so(
    home: Home, harness: Harness
) -> None:
    entry = lesson(home)

    said = harness("memory", "reflect")

    assert said.code == 0
    assert "the crew is not running: reflecting here, without a model" in said.err
    assert f"- scout: {FIX} ({entry}, seen 3 times in 3 tasks" in said.out
    assert FIX in home.memory_file("scout").read_text()
    (task,) = harness("queue", "list", "--json").document
    assert (task["state"], task["outcome"]) == ("final", "done")


def test_reflection_with_nothing_to_do_says_so(harness: Harness) -> None:
    said = harness("memory", "reflect", "scout")

    assert (said.code, said.out) == (0, "nothing to tell\n")


def test_reflection_as_json_is_the_task(home: Home, harness: Harness) -> None:
    lesson(home)

    task = harness("memory", "reflect", "--json").document

    assert task["outcome"] == "done"
    assert FIX in task["result"]["text"]


def test_an_unknown_agent_is_told_with_the_one_that_was_meant(harness: Harness) -> None:
    said = harness("memory", "reflect", "scuot")

    assert said.code == 4
    assert "did you mean `scout`?" in said.err


def test_a_hook_holds_a_promotion_back_without_the_daemon_too(home: Home, harness: Harness) -> None:
    lesson(home)
    home.settings_file.write_text("hooks:\n  - {on: promotion, command: ['sh', '-c', 'exit 2']}\n")

    said = harness("memory", "reflect")

    assert "a hook does not let it through" in said.out
    assert not home.memory_file("scout").exists()


@pytest.mark.usefixtures("harness")
def test_proposals_are_listed_and_approved(home: Home, harness: Harness, proposal: str) -> None:
    home.protocol_file.write_text("# Protocol\n")

    listed = harness("memory", "proposals", "--json").document
    said = harness("memory", "approve", proposal)
    empty = harness("memory", "proposals")

    assert [(each["id"], each["kind"], each["text"]) for each in listed] == [
        (proposal, "protocol", FIX)
    ]
    assert said.code == 0
    assert "harness memory undo " in said.out
    assert f"- {FIX} <!-- proposal {proposal} -->" in home.protocol_file.read_text()
    assert "no proposal waits" in empty.out + empty.err


def test_an_approval_is_taken_back_like_any_change(
    home: Home, harness: Harness, proposal: str
) -> None:
    home.protocol_file.write_text("# Protocol\n")
    change = harness("memory", "approve", proposal, "--json").document["change"]

    said = harness("memory", "undo", change)

    assert said.code == 0
    assert FIX not in home.protocol_file.read_text()


def test_a_rejected_proposal_is_put_away(home: Home, harness: Harness, proposal: str) -> None:
    said = harness("memory", "reject", proposal)
    again = harness("memory", "reject", proposal)

    assert said.code == 0
    assert (again.code, "is rejected already" in again.err) == (4, True)
    assert not home.protocol_file.exists()
