"""What is shown of a text while it comes: everything in the end, and never a secret."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.text.disarm import disarmed
from harness.text.secrets import MASK, Redactor
from harness.text.veil import Disarmed, Unsecret, Veil
from tests.text.test_secret_tables import KNOWN, NAMED, SHAPED
from tests.text.test_secrets import around, named, shaped

PHRASE = "correct horse battery staple"
LETTER = "Dear Ann,\nthe key is in the drawer.\n\nYours,\nBob"
WORDS = "the lighthouse, sea.\n\t- key tokens: a | password is not here"
prose = st.lists(st.sampled_from(WORDS.split(" ")) | st.text("ab \n", max_size=5)).map(" ".join)
cuts = st.lists(st.integers(1, 30), max_size=80)


def pieces(text: str, sizes: list[int]) -> list[str]:
    """The text in pieces of these sizes, the rest of it character by character."""
    found, at = [], 0
    for size in sizes:
        found.append(text[at : at + size])
        at += size
    return [piece for piece in [*found, *text[at:]] if piece]


def shown(veil: Veil, text: str, sizes: list[int]) -> str:
    return "".join(map(veil.add, pieces(text, sizes))) + veil.end()


@given(shaped() | named(), around, around, cuts)
def test_no_secret_comes_through_however_it_is_split(
    secret: tuple[str, str], before: str, after: str, sizes: list[int]
) -> None:
    form, canary = secret

    told = shown(Unsecret(Redactor()), f"{before}\n{form}\n{after}", sizes)

    assert canary not in told


@pytest.mark.parametrize(("text", "canary"), [*SHAPED.values(), *NAMED.values()])
@pytest.mark.parametrize("size", [1, 4, 11])
def test_no_secret_of_the_tables_comes_through(text: str, canary: str, size: int) -> None:
    told = shown(Unsecret(Redactor()), f"It is:\n{text}\nThat is all.\n", [size] * len(text))

    assert canary not in told
    assert told.endswith("all.\n") or "PRIVATE" in text


@given(prose, prose, cuts)
def test_a_known_value_of_several_words_or_lines_never_comes_through(
    before: str, after: str, sizes: list[int]
) -> None:
    lines = "first line\n  second line"
    redactor = Redactor([PHRASE, lines, KNOWN])

    told = shown(Unsecret(redactor), f"{before} {PHRASE} {after} {lines} {KNOWN}", sizes)

    assert "horse" not in told
    assert "second line" not in told
    assert KNOWN not in told


@given(prose, cuts)
@example(LETTER, [3])
def test_a_text_without_secrets_is_shown_whole(text: str, sizes: list[int]) -> None:
    redactor = Redactor()

    told = shown(Unsecret(redactor), text, sizes)

    assert told == text or redactor.text(text) != text


def test_words_are_shown_as_soon_as_they_are_whole() -> None:
    veil = Unsecret(Redactor())

    assert [veil.add(piece) for piece in ("The li", "ght", "house is", " on")] == [
        "The ",
        "",
        "lighthouse ",
        "is ",
    ]
    assert veil.end() == "on"


def test_what_follows_a_name_waits_for_a_line_that_does_not_belong_to_it() -> None:
    veil = Unsecret(Redactor())

    held = [veil.add(line) for line in ("It is:\n", "password: |\n", "  hunter2\n", "  more\n")]

    assert held == ["It is:\n", "", "", ""]
    assert veil.add("Done.\n") == f"password: {MASK}\nDone.\n"
    assert veil.add("And so on ") == "And so on "


def test_a_private_key_is_masked_to_its_end_over_empty_lines() -> None:
    veil = Unsecret(Redactor())
    key = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4\n\nQUJDREVG\n-----END RSA PRIVATE KEY-----"

    told = "".join(veil.add(f"{line}\n") for line in key.split("\n"))

    assert told == ""
    assert veil.add("Keep it.\n") + veil.add("Fine.\n") + veil.end() == f"{MASK}\nKeep it.\nFine.\n"


links = st.sampled_from(
    [
        *("![x](https://evil.example/?q=1)", "[a](https://known.example/a).", "<img src=x>"),
        *("[b](javascript:alert)", "[c]: //evil.example", "www.evil.example/x", "plain words"),
        *("[d](\n javascript:alert)", "\n\n", "\n", " \n \n", "https://evil.example/a,b"),
    ]
)


@given(st.lists(links, max_size=8).map(" ".join), cuts)
def test_what_is_shown_is_disarmed_as_the_whole_answer_is(text: str, sizes: list[int]) -> None:
    def knows(url: str) -> bool:
        return url.startswith("https://known.example/")

    told = shown(Disarmed(Unsecret(Redactor()), knows), text, sizes)

    assert told == disarmed(text, knows)
