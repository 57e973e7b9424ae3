"""The proxy of the settings, as people write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.proxy import parse_proxy
from harness.config.settings import read_settings
from harness.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("http://proxy.test:3128", ("proxy.test", 3128)),
        ("HTTP://Proxy.test:3128/", ("proxy.test", 3128)),
        (" http://127.0.0.1:8080 ", ("127.0.0.1", 8080)),
        ("http://[::1]:8080", ("::1", 8080)),
    ],
)
def test_a_proxy_is_host_and_port(text: str, place: tuple[str, int]) -> None:
    assert parse_proxy(text) == place


@pytest.mark.parametrize(
    "text",
    [
        *("", "proxy.test:3128", "http://proxy.test", "https://proxy.test:443", "off"),
        *("socks5://proxy.test:1080", "http://proxy.test:0", "http://proxy.test:99999"),
        *("http://proxy.test:80/path", "http://proxy.test:80?a", "http:// proxy.test:80"),
    ],
)
def test_what_is_none_is_told_with_how_it_is_written(text: str) -> None:
    with pytest.raises(ValueError, match="it is written http://host:port"):
        parse_proxy(text)


def test_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="not supported") as caught:
        parse_proxy("http://me:canary@proxy.test:3128")

    assert "canary" not in str(caught.value)


def test_the_settings_know_it_by_file_and_environment(tmp_path: Path) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text("network: {proxy: 'http://proxy.test:3128'}\n")

    assert read_settings(path, {}).network.proxy == "http://proxy.test:3128"
    nearer = read_settings(path, {"HARNESS_NETWORK__PROXY": "http://nearer.test:1"})
    assert nearer.network.proxy == "http://nearer.test:1"
    assert read_settings(tmp_path / "none.yaml", {"HTTP_PROXY": "http://a:1"}).network.proxy is None


def test_a_faulty_one_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text("network:\n  proxy: proxy.test:3128\n")

    with pytest.raises(ConfigError) as caught:
        read_settings(path, {})

    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (2, 10)
    assert "http://host:port" in problem.message
