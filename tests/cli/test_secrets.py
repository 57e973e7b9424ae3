"""What the command line tells of the house shows no secret; an answer is shown whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.bus import transitions
from harness.bus.port import Outcome, Request, Result
from harness.bus.sync import SyncBus
from harness.cli import output
from harness.clock import FakeClock
from harness.config.home import Home
from harness.ids import Ids
from harness.services.lock import HomeLock, holder
from harness.text.secrets import MASK, Redactor
from tests.cli.conftest import Harness

KNOWN = "c4nary-of-the-house"


@pytest.fixture
def secret_told(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment holds a secret, and the command line has not looked at it yet."""
    monkeypatch.setenv("SOME_TOKEN", KNOWN)
    output.secrets.cache_clear()
    yield
    output.secrets.cache_clear()


@pytest.fixture
def task(harness: Harness, home: Home, secret_told: None) -> str:
    """A dead letter whose prompt and error have secrets in them; its id."""
    clock = FakeClock()
    with SyncBus(home, clock, Ids(clock)) as bus:
        bus.request(Request("scout", f"Use {KNOWN} and password: c4nary to look."))
        claimed = bus.run(transitions.claim, "scout", cap=1, owner="s")
        assert claimed is not None
        error = f"401 for https://u:c4nary@example.org, {KNOWN}"
        return bus.run(transitions.fail, claimed, error, permanent=True).id


@pytest.mark.parametrize("command", ["queue list", "dead list", "status", "queue show"])
def test_a_task_is_told_of_without_its_secrets(command: str, task: str, harness: Harness) -> None:
    words = [*command.split(), *([task] if command == "queue show" else [])]

    said = harness(*words)

    assert MASK in said.out
    assert "c4nary" not in said.out + said.err


def test_a_secret_is_found_before_a_text_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    known = f"{KNOWN}-and-more"
    monkeypatch.setattr(output, "secrets", lambda: Redactor([known]))

    assert output.short(f"Use {known} to look.", 20) == f"Use {MASK} to l…"


def test_an_error_names_no_secret(task: str, harness: Harness) -> None:
    for more in ([], ["--json"]):
        said = harness("send", KNOWN, "Look.", *more)

        assert said.code != 0
        assert KNOWN not in said.err


def test_an_answer_is_shown_as_it_is(harness: Harness, home: Home) -> None:
    clock = FakeClock()
    text = "def f(password='example'): pass"
    with SyncBus(home, clock, Ids(clock)) as bus:
        bus.request(Request("scout", "Look."))
        claimed = bus.run(transitions.claim, "scout", cap=1, owner="s")
        assert claimed is not None
        done = bus.run(transitions.final, claimed, Outcome.DONE, Result(text=text))

    assert text in harness("queue", "show", done.id).out


def test_the_lock_file_says_nothing_secret_of_its_holder(home: Home) -> None:
    with HomeLock(home) as lock:
        lock.tell(pid=7, trouble="nothing answers at http://u:c4nary@127.0.0.1:1")

        assert holder(home) == {
            "pid": 7,
            "trouble": "nothing answers at http://u:[redacted]@127.0.0.1:1",
        }
