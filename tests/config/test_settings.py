"""Settings: a file with defaults, the environment over it, and faults with their place."""

from datetime import timedelta
from pathlib import Path

import pytest

from harness.config.settings import not_yet, read_settings
from harness.errors import ConfigError


def test_without_a_file_every_key_has_its_default(tmp_path: Path) -> None:
    settings = read_settings(tmp_path / "harness.yaml", {})

    assert settings.models.default == "chat"
    assert settings.models.profiles["chat"].fallback == ["offline"]
    assert settings.models.hosts[0].url == "http://127.0.0.1:11434"
    assert settings.network.allow == []


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text("# nothing yet\n")

    assert read_settings(path, {}) == read_settings(tmp_path / "absent.yaml", {})


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text("session: {max_turns: 5}\nmodels: {timeouts: {idle: 10s}}\n")

    settings = read_settings(
        path,
        {
            "HARNESS_SESSION__MAX_TURNS": "9",
            "HARNESS_MODELS__TIMEOUTS__IDLE": "1m30s",
            "HARNESS_HOME": "/somewhere",
            "OLLAMA_HOST": "gpu-box:11434",
        },
    )

    assert settings.session.max_turns == 9
    assert settings.models.timeouts.idle == timedelta(seconds=90)
    assert settings.models.hosts[0].url == "http://gpu-box:11434"


def test_the_address_that_ollama_listens_on_is_reached_on_loopback(tmp_path: Path) -> None:
    settings = read_settings(tmp_path / "harness.yaml", {"OLLAMA_HOST": "0.0.0.0:11434"})

    assert settings.models.hosts[0].url == "http://127.0.0.1:11434"


def test_every_fault_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text("models:\n  defualt: chat\nsession:\n  max_turns: none\n")

    with pytest.raises(ConfigError) as raised:
        read_settings(path, {})

    first, second = raised.value.problems
    assert (first.line, first.column) == (2, 3)
    assert "default" in (first.hint or "")
    assert (second.line, second.column) == (4, 14)


def test_a_fallback_that_is_nowhere_defined_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text(
        "models:\n"
        "  profiles:\n"
        "    chat: {provider: ollama, model: m, fallback: [ofline]}\n"
        "    offline: {provider: extractive}\n"
    )

    with pytest.raises(ConfigError) as raised:
        read_settings(path, {})

    (problem,) = raised.value.problems
    assert problem.line == 3
    assert problem.hint == "did you mean `offline`?"


def test_a_default_model_that_is_nowhere_defined_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text("models:\n  default: gpt\n")

    with pytest.raises(ConfigError, match="unknown model profile `gpt`"):
        read_settings(path, {})


def test_keys_for_later_are_read_and_said(tmp_path: Path) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text("workers: {cap: 6}\nweb: {port: 8420}\n")

    remarks = not_yet(read_settings(path, {}))

    assert remarks == [
        "`workers` is not used by this version yet",
        "`web` is not used by this version yet",
    ]
