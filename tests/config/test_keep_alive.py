"""keep_alive: what the server would refuse for good is refused while it can be mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.settings import ModelProfile, read_settings
from harness.errors import ConfigError
from tests.doubles.ollama.durations import keep_alive_seconds


@pytest.mark.parametrize(
    ("given", "sent", "seconds"),
    [
        ("300", 300, 300),
        ("-1", -1, float("inf")),
        ("0", 0, 0),
        (" 2.5 ", 2.5, 2.5),
        (90, 90, 90),
        (0.5, 0.5, 0.5),
        ("15m", "15m", 900),
        ("1h30m", "1h30m", 5400),
        ("1.5h", "1.5h", 5400),
        ("-1m", "-1m", float("inf")),
    ],
)
def test_what_passes_is_what_the_server_reads(
    given: object, sent: float | str, seconds: float
) -> None:
    profile = ModelProfile.model_validate({"provider": "ollama", "keep_alive": given})

    assert profile.keep_alive == sent
    assert isinstance(profile.keep_alive, str) is isinstance(sent, str)
    assert keep_alive_seconds(profile.keep_alive) == seconds


@pytest.mark.parametrize(
    "given",
    [
        "5 minutes",
        "1d",
        "m",
        '""',
        "1h30",
        "--1",
        "٣m",
        "true",
        ".inf",
        ".nan",
        "[]",
        "[1m]",
        "9" * 400,
    ],
)
def test_what_the_server_would_refuse_is_refused_with_its_place(given: str, tmp_path: Path) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text(
        f"models:\n  profiles:\n    chat:\n      provider: ollama\n      keep_alive: {given}\n"
    )

    with pytest.raises(ConfigError) as raised:
        read_settings(path, {})

    (problem,) = raised.value.problems
    assert problem.line == 5
    assert "like 15m" in problem.message


def test_an_environment_of_digits_is_seconds(tmp_path: Path) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text("models: {profiles: {chat: {provider: ollama, model: a, keep_alive: 5m}}}\n")

    settings = read_settings(path, {"HARNESS_MODELS__PROFILES__CHAT__KEEP_ALIVE": "300"})

    assert settings.models.profiles["chat"].keep_alive == 300
