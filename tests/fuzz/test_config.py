"""The files that people edit: whatever stands in them is read, or refused with its place."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.config.crontab import read_crontab
from harness.config.profile import read_profile
from harness.config.settings import read_settings
from harness.config.skills import read_skill
from harness.config.sources import read_sources
from harness.errors import ConfigError, Problem
from tests.fuzz import samples
from tests.fuzz.effort import EFFORT, EXAMPLES, bounded
from tests.fuzz.strategies import (
    BOMBS,
    ODD_SCALARS,
    as_bytes,
    damaged,
    grown,
    odd_text,
    odd_values,
    yaml_texts,
)

AGENTS = frozenset({"scout", "zoe"})
STRIDE = 1 if EXAMPLES else 4  # each key meets every so many of the odd values
SPELLED = 600  # characters of a message; a file of any length gives no longer one


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def read(path: Path, content: bytes, reader: Callable[[Path], object]) -> None:
    """The reader takes the content or refuses it with sound problems, and changes nothing."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    try:
        with bounded():
            reader(path)
    except ConfigError as refusal:
        sound(refusal.problems, path, content)
    assert path.read_bytes() == content
    assert [other.name for other in path.parent.iterdir()] == [path.name]


def sound(problems: Sequence[Problem], path: Path, content: bytes) -> None:
    assert problems
    for problem in problems:
        inside(problem, path, content)


def inside(problem: Problem, path: Path, content: bytes) -> None:
    """The problem's place is one of the file, and it can be shown."""
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = [line.rstrip("\r\n") for line in io.StringIO(text, newline="")] or [""]
    assert problem.path == path
    assert 1 <= problem.line <= max(len(lines), 1)
    assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
    assert len(problem.message) <= SPELLED
    assert problem.render()


def front(text: str) -> str:
    return f"---\nname: scout\ndescription: Looks.\n{text}\n---\nLook.\n"


profiles = st.one_of(
    damaged((*samples.PROFILES, *samples.repository("agents/*/SOUL.md"))), yaml_texts.map(front)
)


@EFFORT
@given(content=as_bytes(profiles))
@example(front(f"{grown(9)}permission: *g9").encode())
@example(front(f"{grown(9)}tools: *g9").encode())
@example(b"---\nname: scout\ndescription: Looks.\n~: 1\n---\n")
def test_any_profile_is_read_or_refused(folder: Path, content: bytes) -> None:
    read(folder / "profile" / "scout.md", content, lambda path: read_profile(path, "scout"))


schedules = st.one_of(damaged((samples.CRON, *samples.repository("cron.yaml"))), yaml_texts)


@EFFORT
@given(content=as_bytes(schedules))
@example(f"{grown(9)}jobs: {{a: {{agent: scout, prompt: x, every: *g9}}}}".encode())
@example(
    b"jobs:\n  1: {agent: scout, prompt: x, every: 1h}\n  b: {agent: scout, prompt: x, after: c}"
)
@example("timezone: UTC\u2028jobs: 5\n".encode())
def test_any_schedule_is_read_or_refused(folder: Path, content: bytes) -> None:
    read(folder / "cron" / "cron.yaml", content, lambda path: read_crontab(path, AGENTS))


homes = st.one_of(damaged((samples.SETTINGS, *samples.repository("harness.yaml"))), yaml_texts)


@EFFORT
@given(content=as_bytes(homes))
@example(b"models: {profiles: {chat: {provider: ollama, keep_alive: %s}}}" % (b"9" * 400))
def test_any_settings_are_read_or_refused(folder: Path, content: bytes) -> None:
    read(folder / "settings" / "harness.yaml", content, lambda path: read_settings(path, {}))


NAMES = (
    *("OLLAMA_HOST", "HARNESS_HOME", "HARNESS__", "HARNESS____", "HARNESS_MODELS__"),
    *("HARNESS_MODELS__DEFAULT", "HARNESS_MODELS__HOSTS", "HARNESS_MODELS__PROFILES__CHAT__HOST"),
    *("HARNESS_MODELS__PROFILES__CHAT__KEEP_ALIVE", "HARNESS_MODELS__DEFAULT__X"),
    *("HARNESS_SESSION__MAX_TURNS", "HARNESS_DELIVERY__DEFAULT", "HARNESS_NETWORK__ALLOW"),
    *("HARNESS_NETWORK", "HARNESS_MODELS__TIMEOUTS__IDLE", "HARNESS_BUS__URL__A__B__C"),
)
values = st.one_of(odd_values, yaml_texts).map(lambda text: text.replace("\0", ""))


@EFFORT
@given(variables=st.dictionaries(st.sampled_from(NAMES), values))
@example({"HARNESS_SESSION__MAX_TURNS": grown(9)})
@example({"HARNESS_MODELS__DEFAULT": "\udcff"})
def test_any_environment_is_read_or_refused(folder: Path, variables: Mapping[str, str]) -> None:
    path = folder / "overlay" / "harness.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(samples.SETTINGS)

    problems: Sequence[Problem] | None = None
    try:
        with bounded():
            read_settings(path, variables)
    except ConfigError as refusal:
        problems = refusal.problems

    assert problems is None or problems
    for problem in problems or ():
        assert problem.path == path or problem.path.name in variables
        assert len(problem.message) <= SPELLED
    assert path.read_text() == samples.SETTINGS


lists = st.one_of(
    damaged((samples.SOURCES, *samples.repository("agents/*/sources.yaml"))), yaml_texts
)


@EFFORT
@given(content=as_bytes(lists))
def test_any_list_of_sources_is_read_with_its_problems(folder: Path, content: bytes) -> None:
    def good(path: Path) -> None:
        sources = read_sources(path)
        for problem in sources.problems:
            inside(problem, path, content)
        for source in sources.entries:
            assert source.url.startswith("http")

    read(folder / "sources" / "sources.yaml", content, good)


know_how = st.one_of(
    damaged((samples.SKILL, *samples.repository("skills/*/SKILL.md"))),
    yaml_texts.map(lambda text: f"---\nname: plain\n{text}\n---\n"),
)


@EFFORT
@given(content=as_bytes(know_how))
@example(f"---\nname: plain\n{grown(9)}description: *g9\n---\n".encode())
def test_any_skill_is_read_or_refused(folder: Path, content: bytes) -> None:
    read(folder / "plain" / "SKILL.md", content, read_skill)


@pytest.mark.parametrize("bomb", BOMBS, ids=range(len(BOMBS)))
@pytest.mark.parametrize("line", range(0, samples.SETTINGS.count("\n"), 3))
def test_no_bomb_goes_off_at_any_place(folder: Path, bomb: str, line: int) -> None:
    lines = samples.SETTINGS.splitlines(keepends=True)
    content = "".join([*lines[:line], bomb, "\n", *lines[line:]]).encode()

    read(folder / "bomb" / "harness.yaml", content, lambda path: read_settings(path, {}))


@pytest.mark.parametrize(
    ("sample", "name"), [(samples.CRON, "cron.yaml"), (samples.PROFILE, "scout.md")]
)
def test_every_key_is_safe_from_every_odd_value(folder: Path, sample: str, name: str) -> None:
    lines = sample.splitlines()
    for number, line in enumerate(lines):
        for value in ODD_SCALARS[number % STRIDE :: STRIDE] if ":" in line else ():
            there = f"{line.partition(':')[0]}: {value}"
            content = "\n".join([*lines[:number], there, *lines[number + 1 :]]).encode()
            read(
                folder / "keys" / name,
                content,
                (lambda path: read_crontab(path, AGENTS))
                if name == "cron.yaml"
                else (lambda path: read_profile(path, "scout")),
            )
        (folder / "keys" / name).unlink(missing_ok=True)


@EFFORT
@given(name=odd_text)
def test_an_agent_of_any_name_has_no_profile_of_another(folder: Path, name: str) -> None:
    path = folder / "named" / "scout.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(samples.PROFILE)

    if name != "scout":
        with pytest.raises(ConfigError), bounded():
            read_profile(path, name)
