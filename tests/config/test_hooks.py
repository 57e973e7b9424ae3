"""The `hooks` of harness.yaml: what they say, and where a fault in them stands."""

import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config.document import Document
from harness.config.hooks import Hook, HookEvent, hook_faults, program_of
from harness.config.settings import not_yet, read_settings
from harness.errors import ConfigError, Problem


@pytest.fixture
def check(tmp_path: Path) -> Path:
    program = tmp_path / "hooks" / "check.sh"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    return program


def hooks(home: Path, text: str) -> list[Hook]:
    path = home / "harness.yaml"
    path.write_text(text)
    return read_settings(path, {"PATH": "/usr/bin:/bin"}).hooks


def fault(home: Path, entry: str) -> Problem:
    with pytest.raises(ConfigError) as raised:
        hooks(home, f"hooks:\n  - {entry}\n")
    (problem,) = raised.value.problems
    assert problem.line == 2
    return problem


def test_each_kind_of_hook_is_read(tmp_path: Path, check: Path) -> None:
    command, url, python = hooks(
        tmp_path,
        "hooks:\n"
        "  - {on: before_tool, tool: 'web_*', command: [hooks/check.sh], timeout: 5s, env: [K]}\n"
        "  - {on: final, agent: scout, url: 'http://127.0.0.1:9000/hook'}\n"
        "  - {on: [session_start, session_end], python: 'mypackage.module:function'}\n",
    )

    assert command.on == [HookEvent.BEFORE_TOOL]
    assert command.command == ["hooks/check.sh"]
    assert (command.timeout, command.env) == (timedelta(seconds=5), ["K"])
    assert (url.url, url.timeout) == ("http://127.0.0.1:9000/hook", timedelta(seconds=10))
    assert python.on == [HookEvent.SESSION_START, HookEvent.SESSION_END]
    assert len({command.id, url.id, python.id}) == 3


def test_a_home_without_hooks_has_none(tmp_path: Path) -> None:
    assert hooks(tmp_path, "") == []


def test_an_unknown_event_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    problem = fault(tmp_path, "{on: befor_tool, command: ['true']}")

    assert problem.column == 6
    assert problem.hint == "did you mean `before_tool`?"


def test_an_unknown_key_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    problem = fault(tmp_path, "{on: final, comand: ['true']}")

    assert (problem.column, problem.hint) == (17, "did you mean `command`?")


@pytest.mark.parametrize(
    ("entry", "column", "message"),
    [
        ("{on: final}", 5, "this has none of them"),
        ("{on: final, command: ['true'], python: 'a:b'}", 5, "this has `command` and `python`"),
        ("{on: [], command: ['true']}", 10, "at least 1 item"),
        ("{on: final, command: []}", 26, "at least 1 item"),
        ("{on: final, command: ./x.sh}", 26, "should be a list"),
        ("{on: final, command: [./gone.sh]}", 27, "there is no program `./gone.sh`"),
        ("{on: final, command: [no-such-thing]}", 27, "there is no program `no-such-thing`"),
        ("{on: final, command: ['true', \"\\0\"]}", 35, "no program can be given"),
        ("{on: final, url: 'ftp://host/x'}", 22, "begin with http:// or https://"),
        ("{on: final, url: 'http://a:b@host/x'}", 22, "no user and no password"),
        ("{on: final, url: 'http://host:99999/'}", 22, "Port out of range"),
        ("{on: final, url: 'http://ho st/'}", 22, "neither blanks"),
        ("{on: final, python: 'module function'}", 25, "is no function"),
        ("{on: final, python: 'module:'}", 25, "is no function"),
        ("{on: final, command: ['true'], timeout: 61s}", 45, "between 1s and 60s"),
        ("{on: final, command: ['true'], timeout: 0s}", 45, "between 1s and 60s"),
        ("{on: final, command: ['true'], timeout: soon}", 45, "is no duration"),
        ("{on: final, command: ['true'], env: ['A=B']}", 42, "pattern"),
        ("{on: final, python: 'a:b', env: [A]}", 32, "`env` is for a `command`"),
        ("{on: [before_tool, final], tool: x, python: 'a:b'}", 32, "`tool` goes with"),
    ],
)
def test_a_fault_stands_where_it_is(tmp_path: Path, entry: str, column: int, message: str) -> None:
    problem = fault(tmp_path, entry)

    assert message in problem.message
    assert problem.column == column


def test_a_program_that_may_not_be_executed_is_told(tmp_path: Path, check: Path) -> None:
    check.chmod(0o600)

    problem = fault(tmp_path, "{on: final, command: [./hooks/check.sh]}")

    assert problem.message == "`./hooks/check.sh` may not be executed"
    assert problem.hint == f"chmod u+x {check}"


def test_a_program_with_a_slash_lies_in_the_home_and_one_without_on_the_path(
    tmp_path: Path, check: Path
) -> None:
    assert program_of(["hooks/check.sh"], tmp_path, "/bin") == check
    assert program_of(["check.sh"], tmp_path, str(check.parent)) == check
    assert program_of(["check.sh"], tmp_path, "/bin") == Path("check.sh")


def test_a_hook_is_about_the_tools_and_agents_that_it_names() -> None:
    hook = Hook(on=[HookEvent.BEFORE_TOOL], tool="web_*", agent="scout", python="a:b")

    assert hook.is_about({"tool": "web_fetch", "agent": "scout"})
    assert not hook.is_about({"tool": "learn", "agent": "scout"})
    assert not hook.is_about({"tool": "web_fetch", "agent": "other"})
    assert not hook.is_about({})


def test_an_old_name_of_a_tool_means_the_present_one() -> None:
    hook = Hook(on=[HookEvent.BEFORE_TOOL], tool="shell", python="a:b")

    assert hook.is_about({"tool": "run"})


def test_the_label_of_an_address_leaves_out_its_query() -> None:
    hook = Hook(on=[HookEvent.FINAL], url="https://host/hook?key=abc")

    assert hook.label == "https://host/hook"


def test_a_tool_that_does_not_exist_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    document = Document.parse(
        "hooks:\n"
        "  - {on: before_tool, tool: web_fecth, python: 'a:b'}\n"
        "  - {on: before_tool, tool: 'web_*', python: 'a:b'}\n",
        tmp_path / "harness.yaml",
    )
    hooks = [Hook.model_validate(entry) for entry in document.data["hooks"]]

    (problem,) = hook_faults(document, hooks, {}, {"web_fetch", "learn"})

    assert (problem.line, problem.column) == (2, 29)
    assert problem.hint == "did you mean `web_fetch`?"


def test_an_event_that_does_not_come_yet_is_told(tmp_path: Path) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text("hooks:\n  - {on: [final, promotion, worker_end], python: 'a:b'}\n")

    assert not_yet(read_settings(path, {})) == [
        "`hooks: worker_end` is not used by this version yet"
    ]


KEYS = st.sampled_from([*Hook.model_fields, "match"])
WORDS = st.sampled_from(
    ["final", "http://[", "http://a:b", "https://x", "a:b", "9s", "\ud800", "\0", "true", "/", ""]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
ENTRIES = st.lists(st.dictionaries(KEYS, VALUES, max_size=5) | VALUES, max_size=3) | VALUES


@given(entries=ENTRIES)
def test_whatever_stands_there_is_hooks_or_a_fault(
    tmp_path_factory: pytest.TempPathFactory, entries: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "hooks-any.yaml"
    path.write_text(json.dumps({"hooks": entries}))

    with suppress(ConfigError):
        assert all(hook.id and hook.label for hook in read_settings(path, {}).hooks)
