"""A day with secrets everywhere: afterwards none is where nobody put it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from harness.text.secrets import MASK
from tests.flows.canary_house import CANARIES, VARIABLE
from tests.flows.house import House

PUT_THERE = ("hosted.key", "player.script.yaml")  # by a person, who wants them there
# Not redacted by their writers: the bus holds what is worked with, prompts above all, and
# an agent's notes and shared pages are written as the agent said them.
NOT_REDACTED_YET = (".harness/harness.db",)
ENVIRONMENT = {"PATH": os.environ["PATH"], VARIABLE: CANARIES["environment"]}


@dataclass(frozen=True)
class Day:
    """What is left of it."""

    home: Path
    out: str
    err: str


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    home = tmp_path_factory.mktemp("day") / "home"
    ran = subprocess.run(
        [sys.executable, "-m", "tests.flows.canary_house", str(home)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    return Day(home, ran.stdout, ran.stderr)


def test_the_day_went_as_planned(day: Day) -> None:
    log = (day.home / ".harness/logs/harness.log").read_text()

    assert day.out.startswith("the task ")
    for told in ("a service broke with", "not delivered", "task final", f"no {MASK}"):
        assert told in log
    assert len(list((day.home / ".harness/sessions").glob("*.jsonl"))) >= 2
    assert list((day.home / "archive").rglob("*scout*.md"))
    assert MASK in day.err
    for name in PUT_THERE:
        assert found_in((day.home / name).read_bytes())


def test_no_file_of_the_home_holds_a_secret_that_nobody_put_there(day: Day) -> None:
    searched = 0
    for path in day.home.rglob("*"):
        name = path.relative_to(day.home).as_posix()
        if path.is_file() and name not in PUT_THERE and not name.startswith(NOT_REDACTED_YET):
            searched += 1
            assert not found_in(path.read_bytes()), name

    assert searched >= 10


def test_neither_terminal_nor_names_of_files_show_a_secret(day: Day) -> None:
    names = "\n".join(map(str, day.home.rglob("*")))

    for text in (day.out, day.err, names):
        assert not found_in(text.encode())


@pytest.mark.parametrize("where", ["archive", ".harness/sessions", ".harness/logs", "audit"])
def test_the_mask_stands_where_the_secrets_would(where: str, day: Day) -> None:
    folder = day.home / (".harness/audit" if where == "audit" else where)

    assert any(MASK in path.read_text() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "command",
    ["status", "queue list", "dead list", "audit tail", "audit verify", "doctor --all"],
)
def test_no_command_that_looks_shows_a_secret(command: str, day: Day) -> None:
    said = harness(day.home, *command.split())

    assert said
    assert not found_in(said.encode())


def test_a_secret_in_the_settings_is_refused_and_not_repeated(day: Day) -> None:
    settings = day.home / "harness.yaml"
    good = settings.read_text()
    settings.write_text(
        good.replace(f"file: {day.home}/hosted.key", f"'{CANARIES['environment']}'")
    )
    try:
        settings.write_text(good + f"password: {CANARIES['prompt']}\n")
        for command in ("agents lint", "agents lint --json", "doctor", "up"):
            said = harness(day.home, *command.split())
            assert "harness.yaml" in said
            assert not found_in(said.encode())
    finally:
        settings.write_text(good)


async def test_a_secret_that_a_reload_brings_is_known_and_the_old_one_stays_so(
    house: House,
) -> None:
    for name in ("old", "new"):
        (house.home.root / f"{name}.key").write_text(f"c4nary-{name}\n")
    far = {"provider": "openai", "base_url": "https://api.invalid/v1", "model": "m"}
    hosted = {**far, "api_key": {"file": str(house.home.root / "old.key")}}
    house.settings["models"]["profiles"]["hosted"] = hosted
    house.write()

    async with house.daemon({"MORE": "c4nary-new"}) as app:
        before = app.redactor.text("c4nary-old c4nary-new")
        hosted["api_key"] = {"file": str(house.home.root / "new.key")}
        house.write()
        await app.reload()
        after = app.redactor.text("c4nary-old c4nary-new")

    assert before == f"{MASK} c4nary-new"
    assert after == f"{MASK} {MASK}"


def test_a_crash_of_a_command_shows_no_secret(tmp_path: Path) -> None:
    program = (
        "import sys, os, harness.cli.main as main\n"
        f"def broken(arguments): raise RuntimeError('no ' + os.environ['{VARIABLE}'])\n"
        "main.build = broken\n"
        "sys.argv = ['harness', 'status']\n"
        "main.run()\n"
    )

    ran = subprocess.run(
        [sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True, timeout=60
    )

    assert ran.returncode == 1
    assert ran.stderr.rstrip().endswith(f"RuntimeError: no {MASK}")
    assert not found_in(ran.stderr.encode())


def test_a_thread_that_breaks_shows_no_secret(tmp_path: Path) -> None:
    program = (
        "import os, sys, threading\n"
        "from pathlib import Path\n"
        "from harness.logs import set_up_logs\n"
        "set_up_logs(Path(sys.argv[1]), colour=False)\n"
        f"def broken(): raise RuntimeError('no ' + os.environ['{VARIABLE}'])\n"
        "thread = threading.Thread(target=broken)\n"
        "thread.start(); thread.join()\n"
    )

    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    for told in (ran.stderr, (tmp_path / "harness.log").read_text()):
        assert f"RuntimeError: no {MASK}" in told
        assert not found_in(told.encode())


def harness(home: Path, *command: str) -> str:
    """All that the command prints."""
    ran = subprocess.run(
        [sys.executable, "-m", "harness", *command],
        env={**ENVIRONMENT, "HARNESS_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ran.stdout + ran.stderr


def found_in(data: bytes) -> list[str]:
    """Which canaries stand in the data, in whatever form."""
    return [where for where, it in CANARIES.items() if any(form in data for form in forms(it))]


def forms(canary: str) -> Iterator[bytes]:
    raw = canary.encode()
    yield from (raw, raw.hex().encode(), quote(canary).encode(), quote(canary, safe="").encode())
    yield json.dumps(canary)[1:-1].encode()
    yield raw[:-3]
    for before in range(3):
        yield b64encode(bytes(before) + raw)[4 : (len(raw) + before) * 8 // 6]
