"""The address of an OpenAI-compatible server, as people write it in harness.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.base_url import parse_base_url
from harness.config.settings import not_yet, read_settings
from harness.errors import ConfigError


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://api.example.com/v1/", "https://api.example.com/v1"),
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://192.168.1.20:8000/v1", "http://192.168.1.20:8000/v1"),
        ("http://gpu-box:8000/v1", "http://gpu-box:8000/v1"),
        ("http://vllm.lan/v1", "http://vllm.lan/v1"),
    ],
)
def test_an_address_is_https_or_in_the_own_network(written: str, read: str) -> None:
    assert parse_base_url(written) == read


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("http://api.example.com/v1", "https://"),
        ("http://8.8.8.8/v1", "https://"),
        ("http://134744072/v1", "https://"),
        ("http://0x8080808/v1", "https://"),
        ("http://8\u30028\u30028\u30028/v1", "https://"),
        ("http://evil\uff61com/v1", "https://"),
        ("http://[::ffff:8.8.8.8]/v1", "https://"),
        ("http://localhost.evil.com/v1", "https://"),
        ("http://localhost\\@evil.com/v1", "api_key"),
        ("https://user:c4n4ry@api.example.com/v1", "api_key"),
        ("https://api.example.com/v1?key=c4n4ry", "ends with its path"),
        ("https://api.example.com/v1/chat/completions", "before /chat/completions"),
        ("api.example.com/v1", "should name a host"),
        ("ftp://api.example.com", "should name a host"),
        ("https://api.example.com:0/v1", "should name a host"),
        ("https://api.example.com:99999/v1", "out of range"),
    ],
)
def test_any_other_is_refused_and_no_password_repeated(written: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as error:
        parse_base_url(written)

    assert "c4n4ry" not in str(error.value)


def test_a_profile_without_address_or_model_is_a_fault_at_its_place(tmp_path: Path) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text("models:\n  profiles:\n    chat:\n      provider: openai\n")

    with pytest.raises(ConfigError) as error:
        read_settings(path, {})

    assert [(each.line, each.column) for each in error.value.problems] == [(4, 17), (4, 17)]
    assert "`chat` names no `base_url`" in str(error.value)
    assert "`chat` names no `model`" in str(error.value)


def test_a_whole_profile_is_used_and_not_put_off(tmp_path: Path) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text(
        "models:\n  profiles:\n    chat:\n      provider: openai\n"
        "      base_url: https://api.example.com/v1/\n      model: big\n"
    )

    settings = read_settings(path, {})

    assert settings.models.profiles["chat"].base_url == "https://api.example.com/v1"
    assert not_yet(settings) == []
