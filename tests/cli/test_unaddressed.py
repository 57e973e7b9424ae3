"""`harness send TEXT`: a request that names nobody, with the crew down."""

from __future__ import annotations

import threading
import time

import pytest

from harness.bus import readdress, transitions
from harness.bus.port import Outcome, Result
from harness.bus.routed import LANE, Decision, How
from harness.config.home import Home
from harness.services.lock import HomeLock
from tests.cli.conftest import Harness
from tests.cli.test_queue import open_bus

RULES = "router: {rules: [{words: [gold, inflation], agent: macro}], unsure: scout}\n"


@pytest.fixture
def crew(harness: Harness, home: Home) -> Harness:
    """scout, macro, and butler, who claims reminders."""
    for name, more in (("macro", ""), ("butler", "routes: [remind me]\n")):
        home.agent(name).mkdir()
        front = f"---\nname: {name}\ndescription: Does {name}.\n{more}---\nYou do.\n"
        (home.agent(name) / "SOUL.md").write_text(front)
    home.settings_file.write_text(RULES)
    return harness


@pytest.mark.parametrize(
    ("text", "agent", "how"),
    [
        ("@Macro and what now?", "macro", "named"),
        ("butler: what about gold?", "butler", "named"),
        ("What about GOLD, please?", "macro", "rule"),
        ("Remind me of the gold.", "macro", "rule"),
        ("Please remind me at five.", "butler", "words"),
    ],
)
def test_rules_decide_at_once(crew: Harness, text: str, agent: str, how: str) -> None:
    said = crew("send", text, "--json")

    assert (said.code, said.document["agent"], said.document["prompt"]) == (0, agent, text)
    assert said.document["routed"]["how"] == how
    assert f"went to {agent} ({how}: " in said.err
    shown = crew("queue", "show", said.document["id"], "--json").document
    assert shown["events"][0]["note"].startswith(f"to {agent} ({how}: ")


def test_what_no_rule_decides_waits_for_the_router(crew: Harness) -> None:
    said = crew("send", "Do something.", "--json")

    assert (said.document["agent"], said.document["routed"]) == (LANE, None)
    assert "names nobody: the router finds out whose it is" in said.err
    listed = crew("queue", "list", "--agent", LANE, "--json").document
    assert [task["id"] for task in listed] == [said.document["id"]]


def test_the_lane_of_the_router_can_be_listed_while_it_is_empty(crew: Harness) -> None:
    assert crew("queue", "list", "--agent", LANE).code == 0


def test_nobody_learns_from_a_request_that_came_to_no_agent(crew: Harness, home: Home) -> None:
    task = crew("send", "Do something.", "--json").document

    said = crew("correct", task["id"], "That was wrong.")

    assert (said.code, "came to no agent" in said.err) == (2, True)
    assert not home.agent(LANE).exists()


@pytest.mark.parametrize("text", ["macro", "@macro", "Macro:", " macro . "])
def test_a_name_alone_asks_for_nothing(crew: Harness, text: str) -> None:
    said = crew("send", text)

    assert said.code == 2
    assert 'what macro should do is missing\nhint: say it too: harness send macro "' in said.err
    assert crew("queue", "list", "--json").document == []


def test_a_name_that_nobody_has_is_not_guessed(crew: Harness) -> None:
    said = crew("send", "@mcro and what now?", "--json")

    assert said.document["agent"] == LANE
    assert "no agent is called `mcro`; did you mean `macro`?" in said.err


def test_an_agent_that_is_named_apart_is_asked_whatever_the_text_says(crew: Harness) -> None:
    said = crew("send", "scout", "macro: what about gold?", "--json")

    assert (said.document["agent"], said.document["routed"]) == ("scout", None)
    assert crew("send", LANE, "Look.").code == 4


def test_a_key_is_one_request_also_after_it_was_handed_over(crew: Harness, home: Home) -> None:
    first = crew("send", "Do something.", "--key", "k", "--json").document
    with open_bus(home) as bus:
        held = bus.run(transitions.claim, LANE, cap=1, owner="daemon")
        assert held is not None
        bus.run(readdress.readdress, held, Decision("scout", How.MODEL, "ollama/small"))

    again = crew("send", "Do something.", "--key", "k", "--json")
    other = crew("send", "Do more.", "--key", "k")

    assert (again.document["id"], again.document["agent"]) == (first["id"], "scout")
    assert f"task {first['id']} went to scout (model: ollama/small)" in again.err
    assert other.code == 2
    named = crew("send", "macro", "Look.", "--key", "n", "--json").document
    refused = crew("send", "Look.", "--key", "n")
    assert (refused.code, named["id"] in refused.err) == (2, True)


def test_who_waits_is_told_to_whom_the_request_went_and_why(crew: Harness, home: Home) -> None:
    told = threading.Event()

    def answers() -> None:
        with open_bus(home) as bus:
            while not (held := bus.run(transitions.claim, LANE, cap=1, owner="daemon")):
                time.sleep(0.01)
            bus.run(readdress.readdress, held, Decision("macro", How.MODEL, "ollama/small"))
            held = bus.run(transitions.claim, "macro", cap=1, owner="daemon")
            assert held is not None
            bus.run(transitions.final, held, Outcome.DONE, Result("It rises."))
            told.set()

    working = threading.Thread(target=answers)
    working.start()
    with HomeLock(home):
        said = crew("send", "Do something.", "--wait", "--timeout", "20s", "--json")
    working.join()

    assert told.is_set()
    assert (said.code, said.document["agent"]) == (0, "macro")
    assert said.err.count("went to macro (model: ollama/small)") == 1


def test_profiles_that_cannot_be_read_leave_their_words_to_the_crew(
    crew: Harness, home: Home
) -> None:
    (home.agent("macro") / "SOUL.md").write_text("---\nname: [\n---\n")

    claimed = crew("send", "Please remind me.", "--json").document
    ruled = crew("send", "What about gold?", "--json").document

    assert (claimed["agent"], ruled["agent"]) == (LANE, "macro")


def test_a_home_without_agents_has_nobody_to_ask(harness: Harness, home: Home) -> None:
    (home.agent("scout") / "SOUL.md").unlink()

    said = harness("send", "Look.")

    assert (said.code, "there is no agent in this home" in said.err) == (4, True)


def test_decisions_are_counted_in_the_status(crew: Harness, home: Home) -> None:
    for text in ("macro: look", "gold", "Some gold", "Do something."):
        crew("send", text)
    with open_bus(home) as bus:
        held = bus.run(transitions.claim, LANE, cap=1, owner="daemon")
        assert held is not None
        late = Decision("scout", How.UNSURE, "no answer in time", "30 seconds are over")
        bus.run(readdress.readdress, held, late)

    routed = crew("status", "--json").document["routed"]

    assert routed == {
        **{"named": 1, "rule": 2, "words": 0, "model": 0, "unsure": 1},
        "unsure_because": {"no answer in time": 1},
    }
    shown = crew("status").out
    assert "in 14 days: named (1), rule (2), unsure (1); unsure: no answer in time (1)" in shown
