"""The verdict on an action: what is never done, denied, too risky, asked about, allowed."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config.rules import Rules, parse_rule
from harness.permission.action import Action, Trait
from harness.permission.judge import Decision, Verdict, judge
from harness.permission.places import Places
from harness.permission.policy import Mode, Policy
from harness.permission.shell import parse
from harness.permission.taint import Taint

ALLOW, ASK, DENY = Decision.ALLOW, Decision.ASK, Decision.DENY
FETCH = Action(
    "web_fetch", {Trait.READS_UNTRUSTED, Trait.SENDS_OUT}, urls=("https://a.test/page?x=1",)
)
NOTE = Action("memory", {Trait.CHANGES_STATE}, about="append", inherits=True)
PAGE = Action("shared_context", {Trait.CHANGES_STATE}, writes=("shared-context/view.md",))
FILE = Action("write", {Trait.CHANGES_STATE}, writes=("notes/today.md",), routine=False)
LOOK = Action("read", {Trait.READS_PRIVATE}, reads=("notes/today.md",))


def run(text: str, **more: Any) -> Action:
    return Action("run", {Trait.CHANGES_STATE}, script=parse(text), routine=False, **more)


def verdict(
    action: Action, mode: str = "default", *, read: tuple[str, str] | None = None, **rules: Any
) -> Verdict:
    parsed = Rules(**{kind: [parse_rule(text) for text in texts] for kind, texts in rules.items()})
    taint = Taint()
    if read:
        taint.read_outside(*read)
    return judge(action, Policy.of(mode, Places("scout"), [parsed]), taint)


STRANGER = ("b.test", "nothing of note")


@pytest.mark.parametrize(
    ("action", "decision"),
    [
        (FETCH, ALLOW),
        (NOTE, ALLOW),
        (PAGE, ALLOW),
        (LOOK, ALLOW),
        (FILE, ASK),
        (run("git status | head -3"), ALLOW),
        (run("make test"), ASK),
        (run("ls && make test"), ASK),
    ],
)
def test_ordinary_work_is_done_and_the_rest_asked_about(action: Action, decision: Decision) -> None:
    assert verdict(action).decision is decision


@pytest.mark.parametrize(
    ("mode", "page", "file", "command", "look"),
    [
        ("plan", DENY, DENY, DENY, ALLOW),
        ("default", ALLOW, ASK, ASK, ALLOW),
        ("accept_edits", ALLOW, ALLOW, ASK, ALLOW),
        ("dont_ask", ALLOW, DENY, DENY, ALLOW),
        ("bypass", ALLOW, ALLOW, ALLOW, ALLOW),
    ],
)
def test_a_mode_decides_where_no_rule_does(
    mode: str, page: Decision, file: Decision, command: Decision, look: Decision
) -> None:
    actions = (PAGE, FILE, run("make test"), LOOK)

    assert [verdict(each, mode).decision for each in actions] == [page, file, command, look]


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize(
    "path",
    [
        "cron.yaml",
        "CRON.yaml",
        "harness.yaml",
        "agents/scout/SOUL.md",
        "Agents/scout/sources.yaml",
        "skills/rank/SKILL.md",
        "hooks/check.sh",
        "memory/scout/MEMORY.md",
        "memory/zoe/2026-01-01.md",
        ".harness/token",
        ".git/hooks/pre-commit",
        "sub/.git/config",
        "archive/2026/01/a.md",
        ".env",
        "deploy/id_rsa",
    ],
)
def test_some_places_are_never_written(mode: Mode, path: str) -> None:
    action = Action("write", {Trait.CHANGES_STATE}, writes=(path,), routine=False)

    found = verdict(action, mode, allow=["write", f"write({path})"])

    assert found.decision is DENY
    assert path in found.reason


@pytest.mark.parametrize(
    "path",
    [
        *(".harness/harness.db", "memory/zoe/MEMORY.md", ".env", "a/.ssh/x", ".git/config"),
        *("sub/.git/config", ".git/modules/sub/config", ".git/worktrees/x/config.worktree"),
    ],
)
def test_some_places_are_never_read(path: str) -> None:
    action = Action("read", {Trait.READS_PRIVATE}, reads=(path,))

    assert verdict(action, "bypass", allow=["read"]).decision is DENY


@pytest.mark.parametrize("path", ["memory/scout/MEMORY.md", "agents/zoe/SOUL.md", ".env.example"])
def test_what_is_everybodys_or_its_own_is_read(path: str) -> None:
    assert verdict(Action("read", {Trait.READS_PRIVATE}, reads=(path,))).decision is ALLOW


def test_who_denies_wins_over_who_allows_and_over_any_mode() -> None:
    rules: dict[str, Any] = {"deny": ["write(notes/**)"], "allow": ["write(notes/today.md)"]}

    assert verdict(FILE, "bypass", **rules).decision is DENY
    assert verdict(FETCH, deny=["web_fetch(domain:a.test)"]).decision is DENY
    assert verdict(run("ls; env git push"), "bypass", deny=["run(git push:*)"]).decision is DENY
    assert verdict(run("/usr/bin/curl x"), "bypass", deny=["run(curl:*)"]).decision is DENY


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("git -P commit -m x", "git commit:*"),
        ("git -C sub commit", "git commit:*"),
        ("make -s deploy", "make deploy"),
        ("make -j 4 deploy now", "make deploy:*"),
    ],
)
def test_no_option_hides_a_command_from_who_denies_it(text: str, pattern: str) -> None:
    rules: dict[str, Any] = {"deny": [f"run({pattern})"]}

    assert verdict(run(text), "bypass", **rules).decision is DENY
    assert verdict(run("make test"), "bypass", **rules).decision is ALLOW
    assert verdict(run("git log commit"), **rules).decision is ALLOW


def test_who_denies_a_file_means_it_for_commands_too() -> None:
    look = run("cat notes/a.md", reads=("notes/a.md",))
    copy = run("cp a notes/b.md", writes=("a", "notes/b.md"))
    rules: dict[str, Any] = {
        "deny": ["read(notes/**)"],
        "ask": ["write(notes/**)"],
        "allow": ["run(cp:*)"],
    }

    assert verdict(look, "bypass", **rules).decision is DENY
    assert verdict(copy, "bypass", **rules).decision is ASK
    assert verdict(run("cat b.md", reads=("b.md",)), **rules).decision is ALLOW


def test_a_rule_may_want_to_be_asked_what_would_be_done() -> None:
    assert verdict(NOTE, ask=["memory(append)"]).decision is ASK
    assert verdict(NOTE, ask=["memory(search)"]).decision is ALLOW
    assert verdict(PAGE, "bypass", ask=["write(shared-context/**)"]).decision is ASK


def test_every_part_must_be_allowed() -> None:
    both = Action("write", {Trait.CHANGES_STATE}, writes=("a/x.md", "b/x.md"), routine=False)

    assert verdict(both, allow=["write(a/**)"]).decision is ASK
    assert verdict(both, allow=["write(a/**)", "write(b/*)"]).decision is ALLOW
    assert verdict(run("make a && make b"), allow=["run(make a)"]).decision is ASK
    assert verdict(run("make a | sort"), allow=["run(make a)"]).decision is ALLOW


def test_an_agent_never_speaks_in_a_persons_name() -> None:
    for text in ("harness approvals approve 01X", "ls; .venv/bin/harness hooks reload"):
        assert verdict(run(text), "bypass", allow=["run(harness:*)"]).decision is DENY


def test_after_a_strangers_words_a_made_up_address_is_asked_about() -> None:
    read = ("b.test", "see https://a.test/page?x=1 for more")

    assert verdict(FETCH, read=read).decision is ALLOW
    assert verdict(FETCH, read=STRANGER).decision is ASK
    assert verdict(FETCH, "bypass", read=STRANGER).decision is ASK
    assert verdict(FETCH, "dont_ask", read=STRANGER).decision is DENY
    trusted = ["web_fetch(domain:a.test)"]
    assert verdict(FETCH, read=STRANGER, allow=trusted).decision is ALLOW
    assert verdict(FETCH, read=STRANGER, allow=["web_fetch"]).decision is ASK


def test_after_a_strangers_words_what_lasts_is_asked_about_unless_it_carries_the_mark() -> None:
    assert verdict(NOTE, read=STRANGER).decision is ALLOW
    assert verdict(PAGE, read=STRANGER).decision is ASK
    assert verdict(PAGE, read=STRANGER, allow=["write(shared-context/view.md)"]).decision is ALLOW
    assert verdict(FILE, "accept_edits", read=STRANGER).decision is ASK


def test_after_a_strangers_words_no_rule_lets_a_command_do_more_than_look() -> None:
    rules: dict[str, Any] = {"allow": ["run(make test)"]}

    assert verdict(run("make test"), **rules).decision is ALLOW
    assert verdict(run("make test"), read=STRANGER, **rules).decision is ASK
    assert verdict(run("git log -3"), read=STRANGER).decision is ALLOW


ACTIONS = (FETCH, NOTE, PAGE, FILE, LOOK, run("make test"), run("ls"))
TEXTS = ("write(**)", "web_fetch(domain:a.test)", "run(make:*)", "memory", "read", "learn")
HARD = {ALLOW: 0, ASK: 1, DENY: 2}


@given(
    st.sampled_from(ACTIONS),
    st.sampled_from(list(Mode)),
    st.lists(st.sampled_from(TEXTS), max_size=3),
    st.lists(st.sampled_from(TEXTS), max_size=3),
    st.sampled_from(TEXTS),
)
def test_a_rule_more_never_surprises(
    action: Action, mode: str, allow: list[str], deny: list[str], more: str
) -> None:
    """One more allowed is never stricter, one more denied never looser, reading never looser."""
    before = HARD[verdict(action, mode, allow=allow, deny=deny).decision]

    assert HARD[verdict(action, mode, allow=[*allow, more], deny=deny).decision] <= before
    assert HARD[verdict(action, mode, allow=allow, deny=[*deny, more]).decision] >= before
    assert HARD[verdict(action, mode, read=STRANGER, allow=allow, deny=deny).decision] >= before


def test_each_verdict_says_why() -> None:
    for action, mode in itertools.product(ACTIONS, Mode):
        assert verdict(action, mode, read=STRANGER).reason


def test_where_the_program_itself_lies_nobody_writes() -> None:
    policy = Policy(Places("scout", runtime=("harness", ".venv")), Mode.BYPASS)

    for path in ("harness/app.py", ".VENV/bin/python", "harness"):
        action = Action("write", {Trait.CHANGES_STATE}, writes=(path,), routine=False)
        assert judge(action, policy, Taint()).decision is DENY
    action = Action("write", {Trait.CHANGES_STATE}, writes=("harness-notes.md",), routine=False)
    assert judge(action, policy, Taint()).decision is ALLOW


def test_what_cannot_carry_the_mark_is_asked_about_whatever_the_rules_say() -> None:
    script = Action("write", {Trait.CHANGES_STATE}, writes=("notes/a.txt",), routine=False)

    assert verdict(script, allow=["write(notes/**)"]).decision is ALLOW
    assert verdict(script, read=STRANGER, allow=["write(notes/**)"]).decision is ASK


def test_one_host_is_not_asked_very_often_in_one_session() -> None:
    known = [f"https://a.test/{number}" for number in range(60)]
    many = Action("verify_url", FETCH.traits, urls=tuple(known))
    few = Action("verify_url", FETCH.traits, urls=tuple(known[:20]))
    read = ("a.test", " ".join(known))

    assert verdict(few, read=read).decision is ALLOW
    assert verdict(many, read=read).decision is ASK
    assert verdict(many, read=read, allow=["verify_url(domain:a.test)"]).decision is ALLOW
