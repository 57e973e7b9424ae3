"""Secrets never come through; what is none stays as it is."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.text.secrets import MASK, Redactor, is_secret_name

REDACTOR = Redactor()
TOKEN = string.ascii_letters + string.digits
around = st.text("xkeyXK019" + " .,:;!?()[]{}=\"'\n\\/@-_é文", max_size=60)
canaries = st.text(TOKEN, min_size=38, max_size=50).map(lambda text: f"Cana{text}ry")
names = st.sampled_from(
    [
        *("password", "DB_PASSWORD", "api_key", "apiKey", "X-Api-Key", "token", "access_token"),
        *("GITHUB_TOKEN", "client_secret", "aws.secretAccessKey", "privateKey", "Set-Cookie"),
    ]
)


@st.composite
def shaped(draw: st.DrawFn) -> tuple[str, str]:
    """A secret as it stands in a text, and the part of it that must not come through."""
    canary = draw(canaries)
    upper = canary.upper()
    form = draw(
        st.sampled_from(
            [
                *(f"{kind}{canary}" for kind in ("sk-", "sk-ant-api03-", "ghp_", "github_pat_")),
                *(f"{kind}{canary}" for kind in ("glpat-", "xoxb-", "hf_", "tvly-", "AIza")),
                *(f"AKIA{upper}", f"Bearer {canary}", f"bearer  {canary}"),
                *(f"eyJ{canary}.{canary}.{canary}", f"https://user:{canary}@example.org/path"),
                *(f"postgres://u:p@{canary}@host/db", f"https://{canary}@example.org"),
                f"-----BEGIN RSA PRIVATE KEY-----\n{canary}\n-----END RSA PRIVATE KEY-----",
                f"-----BEGIN PRIVATE KEY-----\\n{canary}\\nand nothing that ends it",
            ]
        )
    )
    return form, upper if upper in form else canary


@st.composite
def named(draw: st.DrawFn) -> tuple[str, str]:
    name, canary = draw(names), draw(canaries)
    document = {name: canary, "tokens": 5}
    form = draw(
        st.sampled_from(
            [
                *(f"{name}={canary}", f"{name}: {canary}", f'{name} = "{canary}"'),
                *(f"--{name} {canary}", f"{name}='x {canary}'", json.dumps(document)),
                *(json.dumps(json.dumps(document)), f"Authorization: Basic {canary}"),
                *(f"?{name}={canary}&page=2", f"Cookie: a=b; id={canary}", str(document)),
            ]
        )
    )
    return form, canary


@given(shaped() | named(), around, around)
def test_no_secret_comes_through_whatever_stands_around_it(
    secret: tuple[str, str], before: str, after: str
) -> None:
    form, canary = secret

    assert canary not in REDACTOR.text(f"{before}\n{form} {after}")


@given(st.text(min_size=6, max_size=30), around, around)
def test_a_value_that_was_told_does_not_come_through(known: str, before: str, after: str) -> None:
    assume(known not in MASK and known not in before + after)
    clean = Redactor([known]).text(f"{before} {known} {after}")

    assert known not in clean or known in f"{before} {MASK} {after}"


@given(st.lists(shaped() | named() | around.map(lambda text: (text, "")), max_size=6))
def test_to_redact_twice_is_to_redact_once(pieces: list[tuple[str, str]]) -> None:
    once = REDACTOR.text(" ".join(form for form, _ in pieces))

    assert REDACTOR.text(once) == once


@given(st.text(string.ascii_letters + " .,;!?()\n-é文", max_size=400))
def test_words_stay_as_they_are(text: str) -> None:
    assume("sk-" not in text and "bearer" not in text.lower() and "--" not in text)

    assert REDACTOR.text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "tokens: 512, max_tokens=5, token_count: 3, first_token: 2m",
        "Bearer bonds and a bearer instrument rose; the basic idea is simple.",
        "https://example.org:8080/a/b?page=2&q=sk-learn#top, ssh://git@github.com/x/y.git",
        "the key: idempotency, keys=[1, 2], keyboard: de, monkey=banana",
        "task 01JD3V7N0B6T3V8Z4Y2Q5M1K9P, sha256 " + "0123456789abcdef" * 4,
        "a risk-adjusted-return-of-the-portfolio, 12:30, C:\\temp, {'a': 1}",
        "PASSWORD_FILE=/run/secrets/db",
        "PWD=/home/alice, OLDPWD=/home/alice/crew",
    ],
)
def test_what_only_looks_a_little_like_a_secret_stays(text: str) -> None:
    assert REDACTOR.text(text) == text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abc xyz", max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "keys", "tokens", "url"]), inner, max_size=3)
    ),
)


@given(values)
def test_a_value_without_secrets_stays(value: Any) -> None:
    assert REDACTOR.value(value) == value


@given(values, names, canaries)
def test_what_stands_under_a_secret_name_is_masked_whole(
    value: Any, name: str, canary: str
) -> None:
    document = {"args": [{name: [canary, {"deep": canary}], "more": value}]}

    clean = REDACTOR.value(document)

    assert canary not in json.dumps(clean)
    assert clean["args"][0]["more"] == value


def test_a_reference_to_a_secret_is_none() -> None:
    settings = {"api_key": {"env": "HOSTED_KEY"}, "password": None}

    assert REDACTOR.value(settings) == settings


def test_an_error_is_shown_without_the_secret_in_it() -> None:
    error = ValueError("no login with password=hunter2")

    assert REDACTOR.value(error) == f"no login with password={MASK}"
    harmless = ValueError("no such page")
    assert REDACTOR.value(harmless) is harmless


def test_the_environment_tells_which_values_are_secret() -> None:
    environment = {"TAVILY_API_KEY": "quite-plain", "PWD": "/home/alice", "A_TOKEN": "1"}

    assert Redactor.knowing(environment).text("quite-plain at /home/alice, 1") == (
        f"{MASK} at /home/alice, 1"
    )


@pytest.mark.parametrize("name", ["db_pwd", "APIKEY", "sessionId", "my-secret-thing", "authToken"])
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


def test_a_long_text_is_looked_through_in_no_time() -> None:
    hard = ["a" * 200_000, "=" * 200_000, "://" * 70_000, '\\"' * 100_000, "token=" * 30_000]
    hard += [
        each * 40_000 for each in ("sk-", "eyJ-", "SG.", "password: ", "token is 1a ", "-u a:")
    ]
    hard += [
        each * 40_000 for each in ("<token>", "token={", "token: |\n x\n", "pa\u200bss", "basic ")
    ]
    hard += [f"-----BEGIN {'A' * 100_000}", "name: token value: " * 20_000, "--token " * 40_000]

    for text in hard:
        REDACTOR.text(text)


@given(
    st.recursive(
        st.one_of(around, (shaped() | named()).map(lambda pair: pair[0])),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(names | around, inner, max_size=3)
        ),
    ),
    st.text(min_size=6, max_size=20),
)
def test_what_is_not_suspected_would_not_be_changed(value: Any, known: str) -> None:
    redactor = Redactor([known])

    if not redactor.suspects(json.dumps(value, ensure_ascii=False)):
        assert redactor.value(value) == value


def test_a_known_value_is_suspected_behind_its_escapes() -> None:
    assert Redactor(['a"b\nc\\d']).suspects(json.dumps({"x": 'say a"b\nc\\d'}))
