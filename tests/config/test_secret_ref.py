"""A secret itself is refused where its name belongs, and no message repeats it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.main import shape
from harness.config.secret_ref import secret_values
from harness.config.settings import read_settings
from harness.errors import ConfigError

LITERALS = [
    "sk-ant-api03-c4n4ryC4N4RYc4n4ryC4N4RY",
    "c4n4ry-plain-word",
    "'c4n4ry of words'",
    "41414141414141",
    "[c4n4ry1, c4n4ry2]",
    "{env: sk-proj-c4n4ryC4N4RYc4n4ryC4N4RY}",
    "{env: c4n4ry of words}",
    "{file: 'https://u:c4n4ry77@example.org/'}",
    "{value: c4n4ry88}",
    "{env: [c4n4ry99]}",
    '"c4n4ry',
    "c4n4ry: x: y",
]


def file_with(folder: Path, api_key: str) -> Path:
    path = folder / "harness.yaml"
    path.write_text(
        "models:\n"
        "  profiles:\n"
        "    chat: {provider: extractive}\n"
        "    hosted:\n"
        "      provider: openai\n"
        f"      api_key: {api_key}\n"
        "      base_url: https://api.example.com/v1\n"
        "      model: m\n"
    )
    return path


@pytest.mark.parametrize("literal", LITERALS)
def test_a_secret_in_place_of_its_name_is_refused_and_not_repeated(
    literal: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as raised:
        read_settings(file_with(tmp_path, literal), {})

    told = str(raised.value) + json.dumps(shape(raised.value))
    assert raised.value.problems[0].line in {6, 7, 8}
    assert "c4n4ry" not in told.lower()
    assert "4141" not in told


def test_the_message_says_what_to_write_instead(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        read_settings(file_with(tmp_path, "c4n4ry"), {})

    (problem,) = raised.value.problems
    assert (problem.line, problem.column) == (6, 16)
    assert "{env: NAME} or {file: PATH}" in problem.message
    assert problem.source == "      api_key: [redacted]"


@pytest.mark.parametrize("reference", ["{}", "{env: A, file: b}"])
def test_a_reference_names_one_place(reference: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no place, or two"):
        read_settings(file_with(tmp_path, reference), {})


def test_a_secret_from_the_environment_is_not_repeated_either(tmp_path: Path) -> None:
    name = "HARNESS_MODELS__PROFILES__HOSTED__API_KEY"

    with pytest.raises(ConfigError) as raised:
        read_settings(file_with(tmp_path, "{env: A}"), {name: "c4n4ry-plain"})

    assert name in str(raised.value)
    assert "c4n4ry" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "session: {max_turns: ghp_c4n4ryc4n4ryc4n4ryc4n4ry}\n",
        "models: {default: sk-proj-c4n4ryC4N4RYc4n4ryC4N4RY}\n",
        "models: {hosts: [{url: 'http://u:c4n4ry@a:b'}]}\n",
        "password: c4n4ry\n",
        "bus: {url: 'postgres://u:c4n4ry@h/x'}\n",
        "web: {password: 'c4n4ry of words', x: }}\n",
        "web:\n  password: |\n    c4n4ry\n  x: y: z\n",
        "web:\n  password: |\n    c4n4ry\n   x: y\n",
    ],
)
def test_a_secret_in_any_other_place_is_not_repeated(text: str, tmp_path: Path) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text(text)

    with pytest.raises(ConfigError) as raised:
        read_settings(path, {})

    assert "c4n4ry" not in str(raised.value).lower()


def test_what_references_lead_to_is_known(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("  from-a-file\n")
    by_file = read_settings(file_with(tmp_path, f"{{file: {tmp_path / 'key'}}}"), {})
    by_name = read_settings(file_with(tmp_path, "{env: A_NAME}"), {})
    missing = read_settings(file_with(tmp_path, "{file: /nowhere/at/all}"), {})

    assert secret_values(by_file, {}) == ["from-a-file"]
    assert secret_values(by_name, {"A_NAME": "from-the-environment"}) == ["from-the-environment"]
    assert secret_values(missing, {}) == []
