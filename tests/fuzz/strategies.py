"""Inputs that nobody means to write: odd texts, YAML of every kind, sound files with damage."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

NINES = "9" * 400  # no float holds it
ODD_CHARACTERS = (
    *("\x00", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\r", "\r\n", "\t", "\ufeff"),
    *("\u202e", "\u200d", "\u0301", "\ud800", "\udfff", "\U0001f600", "\U000e0041", "\u0660"),
)
ODD_SCALARS = (
    *("", "~", "true", "-1", "0", "1.5", "-0.0", ".inf", ".nan", "1e999", "0x1F", "0o17", "1_000"),
    *("12:30:45", "2001-01-01", "2001-01-01T25:00:00Z", "20m", "1h30m", "-5m", "@reboot", NINES),
    *("9" * 5000, "x" * 3000, "[]", "{}", "[[[1]]]", "{a: {b: 1}}", "[a, a]", "{1: x}", "{~: x}"),
    *("!!python/object/apply:os.system [echo]", "!!python/name:os.system", "!own x", "!!int x"),
    *("!!binary aGk=", "!!binary '@'", "!!bool perhaps", "!!set {a}", "!!omap [a: 1]", "!!null x"),
    *("!!pairs [a: 1]", "!!timestamp x", "!!float x", "!!str [a]", "!!map [a]", "!!seq {a: 1}"),
    *("*nobody", "&a [*a]", "&a {<<: *a}", "{<<: [1]}", "{<<: {name: x}}", "&a x", "{? [1]: x}"),
    *("[", "{", "]", "'", '"', '"\\ud800"', '"\\0"', '"\\x"', "|", ">-", "|9", "? x", "- x", ": x"),
    *("%YAML 9.9", "---", "...", "# x", "@x", "`x`", "../../etc/passwd", "http://[::1", "a,b(c,d"),
)


def grown(levels: int, of: str = "[{}]") -> str:
    """Aliases of aliases: a few lines that mean 9 to the power of `levels` values."""
    lines = ["g0: &g0 {x: 1, y: 2}"]
    for level in range(1, levels + 1):
        lines.append(f"g{level}: &g{level} {of.format(', '.join([f'*g{level - 1}'] * 9))}")
    return "\n".join(lines) + "\n"


# what a bomb makes of many values, by a list and by merging
BOMBS = (grown(9), grown(7, "{{<<: [{}]}}"), "[" * 3000, "{a: " * 300, "- " * 3000, "? " * 300)

odd_text = st.text(st.one_of(st.characters(), st.sampled_from("".join(ODD_CHARACTERS))))
long_text = st.builds(
    lambda piece, times: piece * times,
    st.one_of(odd_text, st.sampled_from(["<a", "[", "{", '"', "\\", ". ", "\n", " ", "- "])),
    st.integers(1, 2000),
)
numbers = st.one_of(st.integers(), st.floats(), st.sampled_from([10**30, -(10**400), 2**63]))
scalars = st.one_of(st.none(), st.booleans(), numbers, odd_text)


def json_values(leaves: int = 12) -> st.SearchStrategy[Any]:
    """Whatever `json.loads` can give, numbers that are none included."""
    return st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(odd_text, inner)),
        max_leaves=leaves,
    )


def nested(depth: int) -> Any:
    """A list in a list, and so on: what recursion trips over."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


odd_json = st.one_of(json_values(), st.integers(0, 150).map(nested))

odd_values = st.one_of(
    st.sampled_from(ODD_SCALARS),
    json_values(6).map(lambda value: json.dumps(value)),
    odd_text.map(lambda text: json.dumps(text, ensure_ascii=False)),
    odd_text,
)

yaml_texts = st.one_of(
    st.sampled_from(BOMBS),
    st.recursive(
        odd_values,
        lambda inner: st.one_of(
            st.lists(inner).map(lambda items: f"[{', '.join(items)}]"),
            st.lists(st.tuples(inner, inner)).map(
                lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
            ),
            st.lists(st.tuples(odd_text, inner)).map(
                lambda pairs: "".join(f"{key}: {value}\n" for key, value in pairs)
            ),
        ),
        max_leaves=8,
    ),
)

Change = Callable[[list[str]], list[str]]


def damaged(samples: Sequence[str]) -> st.SearchStrategy[str]:
    """A sound text to which a few accidents happened."""
    return st.builds(after, st.sampled_from(samples), st.lists(changes(), min_size=1, max_size=4))


def after(sample: str, accidents: Sequence[Change]) -> str:
    lines = sample.splitlines(keepends=True)
    for accident in accidents:
        lines = accident(lines or [""])
    return "".join(lines)


def changes() -> st.SearchStrategy[Change]:
    place = st.integers(0, 200)
    return st.one_of(
        st.builds(dropped, place),
        st.builds(repeated, place, st.integers(2, 20)),
        st.builds(swapped, place, place),
        st.builds(put_in, place, st.one_of(odd_values, yaml_texts)),
        st.builds(given, place, odd_values),
        st.builds(given, place, odd_values),  # the likeliest slip, and the most telling one
        st.builds(split, place, place, odd_text),
        st.builds(indented, place, st.integers(0, 9)),
        st.builds(cut, place, place),
    )


def dropped(at: int) -> Change:
    return lambda lines: [line for number, line in enumerate(lines) if number != at % len(lines)]


def repeated(at: int, times: int) -> Change:
    return lambda lines: [
        line
        for number, line in enumerate(lines)
        for _ in range(times if number == at % len(lines) else 1)
    ]


def swapped(one: int, other: int) -> Change:
    def swap(lines: list[str]) -> list[str]:
        first, second = one % len(lines), other % len(lines)
        lines[first], lines[second] = lines[second], lines[first]
        return lines

    return swap


def put_in(at: int, text: str) -> Change:
    return lambda lines: [*lines[: at % len(lines)], text + "\n", *lines[at % len(lines) :]]


def given(at: int, value: str) -> Change:
    """Another value after the colon of a line."""

    def give(lines: list[str]) -> list[str]:
        key, colon, _ = lines[at % len(lines)].partition(":")
        lines[at % len(lines)] = f"{key}: {value}\n" if colon else f"{value}\n"
        return lines

    return give


def split(at: int, column: int, text: str) -> Change:
    def put(lines: list[str]) -> list[str]:
        line = lines[at % len(lines)]
        lines[at % len(lines)] = line[:column] + text + line[column:]
        return lines

    return put


def indented(at: int, spaces: int) -> Change:
    def indent(lines: list[str]) -> list[str]:
        lines[at % len(lines)] = " " * spaces + lines[at % len(lines)].lstrip(" ")
        return lines

    return indent


def cut(at: int, column: int) -> Change:
    return lambda lines: [*lines[: at % len(lines)], lines[at % len(lines)][:column]]


def as_bytes(texts: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    """The texts in a file, sometimes in another encoding, or with bytes that are none."""
    return st.one_of(
        texts.map(lambda text: text.encode("utf-8", "surrogatepass")),
        texts.map(lambda text: text.encode("utf-8", "replace")),
        texts.map(lambda text: text.encode("utf-16", "surrogatepass")),
        st.builds(lambda text, odd: text.encode("utf-8", "replace") + odd, texts, st.binary()),
        st.binary(),
    )
