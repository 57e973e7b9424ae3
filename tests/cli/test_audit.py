"""audit: what people do is written down, and what was written down is checked."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

import pytest

from harness.audit.files import log_files
from harness.config.home import Home
from tests.cli.conftest import Harness
from tests.cli.test_queue import make_dead


def deeds(harness: Harness) -> list[tuple[str, str]]:
    lines = harness("audit", "tail", "--json").document
    return [(line["action"], line["target"]) for line in lines]


def test_what_people_do_is_written_down(harness: Harness, home: Home) -> None:
    first = harness("send", "scout", "My password=hunter2canary", "--json").document["id"]
    make_dead(home, first)
    harness("dead", "resend", first)
    harness("queue", "cancel", first)
    second = harness("cron", "run", "morning", "--json").document["id"]
    make_dead(home, second)
    harness("queue", "resend", second)
    make_dead(home, second)
    harness("dead", "purge")
    harness("cron", "pause", "morning")
    harness("cron", "resume", "morning")

    assert deeds(harness) == [
        ("task.sent", first),
        ("dead.resent", first),
        ("task.cancelled", first),
        ("cron.run", "morning"),
        ("task.resent", second),
        ("dead.purged", second),
        ("cron.paused", "morning"),
        ("cron.resumed", "morning"),
    ]
    assert harness("audit", "verify", "--json").document["ok"] is True
    sent = harness("audit", "tail", "--json").document[0]
    assert sent["actor"] == f"person:{getpass.getuser()}"
    assert sent["details"]["text"] == "My password=[redacted]"


def test_a_change_is_told_with_its_place_and_exit_code_1(harness: Harness, home: Home) -> None:
    for text in ("One.", "Two."):
        harness("send", "scout", text)
    (path,) = log_files(home.audit)
    path.write_bytes(path.read_bytes().replace(b"One.", b"Six."))

    said = harness("audit", "verify")
    document = harness("audit", "verify", "--json")

    assert said.code == document.code == 1
    assert f"{path.name}:1: this line was changed" in said.out
    assert document.document["findings"][0] == {
        "file": path.name,
        "line": 1,
        "message": "this line was changed",
    }


def test_a_hash_that_was_noted_is_looked_for(harness: Harness) -> None:
    harness("send", "scout", "Look.")
    noted = harness("audit", "verify", "--json").document["last"]["hash"]

    assert harness("audit", "verify", "--known", noted).code == 0
    assert harness("audit", "verify", "--known", "0" * 64).code == 1


def test_an_empty_audit_is_in_order(harness: Harness) -> None:
    assert harness("audit", "verify").code == 0
    assert harness("audit", "tail", "--json").document == []


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_command_works_when_the_audit_cannot_be_written(harness: Harness, home: Home) -> None:
    harness("queue", "list")
    home.audit.mkdir(parents=True)
    home.audit.chmod(0o500)

    said = harness("send", "scout", "Look.", "--json")

    home.audit.chmod(0o700)
    assert said.code == 0
    assert "not written to the audit" in said.err


def test_an_audit_in_the_way_of_which_lies_a_file_costs_no_command(
    harness: Harness, home: Home
) -> None:
    home.state.mkdir()
    Path(home.audit).write_text("in the way")

    said = harness("send", "scout", "Look.", "--json")

    assert said.code == 0
    assert "not written to the audit" in said.err
