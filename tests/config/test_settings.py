"""Settings: a file with defaults, the environment over it, and faults with their place."""

from datetime import timedelta
from pathlib import Path

import pytest

from harness.config.settings import Settings, not_yet, pointless, read_settings
from harness.errors import ConfigError, Problem


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


def test_a_model_for_embeddings_is_read_and_its_host_is_one_of_the_hosts(tmp_path: Path) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text("models:\n  embed: {provider: ollama, model: nomic-embed-text}\n")

    settings = read_settings(path, {})

    assert settings.models.embed is not None
    assert settings.models.embed.model == "nomic-embed-text"
    assert not_yet(settings) == []

    path.write_text("models:\n  embed: {model: nomic-embed-text, host: locl}\n")
    with pytest.raises(ConfigError, match="unknown host `locl`") as raised:
        read_settings(path, {})
    assert raised.value.problems[0].hint == "did you mean `local`?"


def test_keys_for_later_are_read_and_said(tmp_path: Path) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text("workers: {cap: 6}\nweb: {port: 8420}\n")

    remarks = not_yet(read_settings(path, {}))

    assert remarks == [
        "`workers` is not used by this version yet",
        "`web` is not used by this version yet",
    ]


def settings(tmp_path: Path, text: str = "", **environment: str) -> Settings:
    path = tmp_path / "harness.yaml"
    path.write_text(text)
    return read_settings(path, environment)


def fault(tmp_path: Path, text: str = "", **environment: str) -> Problem:
    with pytest.raises(ConfigError) as raised:
        settings(tmp_path, text, **environment)
    (problem,) = raised.value.problems
    return problem


def test_an_address_that_tools_may_reach_must_be_host_and_port(tmp_path: Path) -> None:
    problem = fault(tmp_path, "network:\n  allow: ['nas:80', localhost]\n")

    assert (problem.line, problem.column) == (2, 21)
    assert problem.message == "'localhost' is no host:port"


@pytest.mark.parametrize("url", ["http://[::1", "box:99999", "ftp://box", "http://"])
def test_a_host_must_have_an_address(tmp_path: Path, url: str) -> None:
    assert fault(tmp_path, f"models:\n  hosts: [{{url: '{url}'}}]\n").line == 2


@pytest.mark.parametrize(
    "text",
    ["models:\n", "models: {hosts: []}\n", "models: {hosts: [box]}\n", "models: 5\n", "[]\n"],
)
def test_a_file_that_the_environment_cannot_lie_over_is_a_fault_of_the_file(
    tmp_path: Path, text: str
) -> None:
    problem = fault(tmp_path, text, OLLAMA_HOST="box:1", HARNESS_MODELS__DEFAULT="chat")

    assert (problem.path.name, problem.line) == ("harness.yaml", 1)


@pytest.mark.parametrize("text", ["127.0.0.1:9000", "['127.0.0.1:9000']", '["127.0.0.1:9000"]'])
def test_a_list_in_the_environment_is_one_entry_or_yaml(tmp_path: Path, text: str) -> None:
    assert settings(tmp_path, HARNESS_NETWORK__ALLOW=text).network.allow == ["127.0.0.1:9000"]


def test_the_environment_lies_over_the_defaults_where_the_file_says_nothing(tmp_path: Path) -> None:
    before = settings(tmp_path).models

    after = settings(tmp_path, HARNESS_MODELS__PROFILES__CHAT__KEEP_ALIVE="300").models

    chat = before.profiles["chat"].model_copy(update={"keep_alive": 300})
    assert after.profiles == {**before.profiles, "chat": chat}


def test_the_environment_changes_one_of_two_that_share_an_anchor(tmp_path: Path) -> None:
    text = (
        "models:\n  profiles:\n    chat: &same {provider: ollama, model: m}\n    My-Coder: *same\n"
    )

    profiles = settings(
        tmp_path, text, HARNESS_MODELS__PROFILES__MY_CODER__MODEL="n"
    ).models.profiles

    assert {name: profile.model for name, profile in profiles.items()} == {
        "chat": "m",
        "My-Coder": "n",
    }


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HARNESS_SESSION__MAX_TURNS", "none", "should be a whole number"),
        ("HARNESS_SESSION__MAX_TURN", "5", "unknown key"),
        ("HARNESS_NETWORK__ALLOW", "localhost", "no host:port"),
        ("HARNESS_MODELS__DEFAULT", "gpt", "unknown model profile"),
        ("HARNESS_MODELS__PROFILES__NEW__MODEL", "gpt", "missing key `provider`"),
        ("HARNESS_MODELS__DEFAULT__NAME", "gpt", "should be a text"),
        ("OLLAMA_HOST", "box:99999", "ort out of range"),
        ("OLLAMA_HOST", "htp:/box", "should begin with http:// or https://"),
    ],
)
def test_a_fault_of_the_environment_names_its_variable(
    tmp_path: Path, name: str, value: str, words: str
) -> None:
    problem = fault(tmp_path, "session: {budget: 5000}\n", **{name: value})

    assert problem.render().startswith(f"{name}: ")
    assert words in problem.message


def test_a_name_that_dangles_in_the_file_is_no_fault_of_the_environment(tmp_path: Path) -> None:
    text = "models:\n  default: gpt\n"

    problem = fault(tmp_path, text, HARNESS_MODELS__TIMEOUTS__IDLE="10s")

    assert (problem.path.name, problem.line) == ("harness.yaml", 2)


def test_an_empty_variable_sets_nothing(tmp_path: Path) -> None:
    assert settings(tmp_path, HARNESS_SESSION__MAX_TURNS="") == settings(tmp_path)


@pytest.mark.parametrize("kind", ["notes", "learnings"])
def test_a_half_life_of_nothing_is_a_fault(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text(f"memory: {{half_life: {{{kind}: 0s}}}}\n")

    with pytest.raises(ConfigError) as failed:
        read_settings(path, {})

    assert 'greater than or equal to 1 hour, not "0s"' in str(failed.value)


def test_a_semantic_cache_without_a_model_for_vectors_is_refused(tmp_path: Path) -> None:
    problem = fault(tmp_path, "models:\n  cache:\n    semantic: {threshold: 0.95}\n")

    assert problem.message == "the semantic cache compares vectors, and no model makes any"
    assert problem.hint is not None
    assert "models.embed" in problem.hint
    assert (problem.line, problem.column) == (3, 5)


def test_a_limit_of_tokens_below_zero_is_refused(tmp_path: Path) -> None:
    problem = fault(tmp_path, "models: {limits: {agents: {scout: -1}}}\n")

    assert "greater than or equal to 0" in problem.message


def test_limits_that_nothing_can_reach_are_told(tmp_path: Path) -> None:
    text = "models: {profiles: {chat: {provider: extractive}}, limits: {money: 2, gpu: 1h}}\n"
    path = tmp_path / "harness.yaml"
    path.write_text(text)

    told = pointless(read_settings(path, {}))

    assert told == [
        "`models.limits.money` holds for nothing: no profile has a `price`",
        "`models.limits.gpu` holds for nothing: no profile has `provider: ollama`",
    ]


def test_limits_of_what_the_profiles_use_are_not_remarked_on(tmp_path: Path) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text(
        "models: {limits: {money: 2, gpu: 1h}, profiles: {chat: {provider: ollama, model: a},"
        " hosted: {provider: openai, model: b, base_url: 'https://api.example.com/v1',"
        " price: {prompt: 1, completion: 2}}}}\n"
    )

    assert pointless(read_settings(path, {})) == []


@pytest.mark.parametrize(
    "text",
    [
        "profiles: {chat: {provider: ollama, model: m, num_ctx: 99999999999999999999}}",
        "profiles: {chat: {provider: ollama, model: m, slots: 99999999999999999999}}",
        "hosts: [{name: a, slots: 99999999999999999999}]",
        "hosts: [{name: a, models: 99999999999999999999}]",
        "limits: {money: .inf}",
        "limits: {money: .nan}",
        "limits: {gpu: 99999999999999d}",
        "limits: {tokens: -1}",
        "cache: {semantic: {threshold: .nan}}",
        f"limits: {{tokens: {'9' * 5000}}}",
    ],
)
def test_numbers_that_nothing_has_are_no_settings(tmp_path: Path, text: str) -> None:
    path = tmp_path / "harness.yaml"
    path.write_text(f"models: {{{text}}}\n")

    with pytest.raises(ConfigError, match=r"less than|finite|duration|greater than|cannot be read"):
        read_settings(path, {})
