"""`harness doctor` as a user calls it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.audit.reader import last_lines
from harness.cli.sample import copy_sample
from harness.config.home import Home
from harness.doctor.checkup import CHECKS
from harness.services.lock import HomeLock
from tests.cli.conftest import Harness
from tests.doubles.ollama_server import OllamaDouble


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No Ollama, no service and no key of this machine gets into a test."""
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    monkeypatch.setenv("HOME", str(tmp_path / "ada"))
    monkeypatch.delenv("TAVILY_API_KEY", raising=False)


@pytest.fixture
def called(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> Harness:
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")  # the fixture of the harness takes it away
    return harness


def test_a_new_sample_home_gets_one_warning_at_most_and_it_is_of_ollama(
    called: Harness, tmp_path: Path
) -> None:
    root = tmp_path / "sample"
    root.mkdir()
    copy_sample(root)

    said = called("doctor", "--home", root, "--json")

    assert said.code == 0
    assert [(row["id"], row["level"]) for row in said.document] == [("ollama", "warning")]
    assert "ollama pull qwen3:8b" in said.document[0]["fix"]


async def test_with_ollama_there_nothing_is_wrong(
    called: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "sample"
    root.mkdir()
    copy_sample(root)
    async with OllamaDouble(["qwen3:8b"]) as double:
        monkeypatch.setenv("OLLAMA_HOST", double.url)

        said = await asyncio.to_thread(called, "doctor", "--home", root)

    assert (said.code, said.out) == (0, "nothing is wrong; 2 hints: harness doctor --all\n")


def test_all_tells_of_every_check_whatever_is_broken(called: Harness, home: Home) -> None:
    home.state.mkdir()
    home.database.write_bytes(b"nonsense" * 1000)
    home.cron_file.write_text("jobs: [")

    said = called("doctor", "--all", "--json")

    assert said.code == 1
    assert list(dict.fromkeys(row["id"] for row in said.document)) == list(CHECKS)
    errors = {row["id"] for row in said.document if row["level"] == "error"}
    assert errors == {"permissions", "files", "database"}
    assert all(row["fix"] for row in said.document if row["level"] in {"error", "warning"})
    assert set(said.document[0]) == {"id", "level", "message", "fix", "fixable"}


def test_fix_does_what_is_safe_tells_it_and_looks_again(called: Harness, home: Home) -> None:
    home.state.mkdir()
    home.state.chmod(0o755)
    before = called("doctor", "--only", "permissions")

    fixed = called("doctor", "--only", "permissions", "--fix", "--json")

    assert before.code == 1
    assert "(harness doctor --fix does it)" in before.out
    assert fixed.code == 0
    assert [(row["level"], row["message"]) for row in fixed.document] == [
        ("fixed", "changed .harness from 0755 to 0700")
    ]
    assert home.state.stat().st_mode & 0o777 == 0o700
    assert [line.action for line in last_lines(home.audit, 9)] == ["doctor.fixed"]
    assert called("doctor", "--only", "permissions").out == "nothing is wrong\n"


def test_fix_leaves_what_is_not_safe_and_says_so(called: Harness, home: Home) -> None:
    home.state.mkdir(mode=0o700)
    home.database.write_bytes(b"nonsense" * 1000)

    said = called("doctor", "--only", "database", "--fix")

    assert said.code == 1
    assert "do: take back a backup: harness restore FILE" in said.out
    assert "--fix does it" not in said.out
    assert said.out.endswith("1 error\n")
    assert home.database.read_bytes() == b"nonsense" * 1000


def test_with_the_daemon_up_it_looks_and_changes_nothing(called: Harness, home: Home) -> None:
    with HomeLock(home):
        said = called("doctor", "--all")

        assert said.code == 0
        assert "The daemon beats" in said.out


def test_a_check_that_is_not_there_is_asked_back(called: Harness) -> None:
    said = called("doctor", "--only", "permisions")

    assert said.code == 2
    assert "did you mean `permissions`" in said.err
