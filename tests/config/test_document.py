from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict

from harness.config.document import Document, check, load, split_front_matter
from harness.config.durations import Duration
from harness.errors import ConfigError, Problem

FILE = Path("cron.yaml")


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Item(Strict):
    name: str
    size: int = 1
    colour: Colour = Colour.RED
    mode: Literal["skip", "once"] = "skip"
    every: Duration | None = None


class Sheet(Strict):
    timezone: str = "UTC"
    items: dict[str, Item] = {}
    rows: list[Item] = []


def parse(text: str) -> Document:
    return Document.parse(text, FILE)


def faults(text: str) -> list[Problem]:
    checked = check(parse(text), Sheet)
    assert isinstance(checked, list)
    return checked


def syntax_fault(text: str) -> Problem:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    [problem] = caught.value.problems
    return problem


def test_plain_data_comes_out() -> None:
    document = parse("a: {b: [1, x]}\nat: 2026-12-01T09:00:00+02:00\non: yes\n")

    assert document.data == {
        "a": {"b": [1, "x"]},
        "at": "2026-12-01T09:00:00+02:00",
        "on": "yes",
    }
    assert type(document.data["a"]) is dict


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ('x:\n  cron: "0 25 * * *"  # note\n', 12),
        ("x:\n  cron: '0 25 * * *'\n", 12),
        ("x:\n  cron: 0 25 * * *\n", 11),
        ('x:\n  "cron":   "0 25 * * *"\n', 16),
    ],
)
def test_an_offset_counts_inside_the_scalar_after_its_quote(text: str, column: int) -> None:
    problem = parse(text).problem(("x", "cron"), "no such hour", offset=2, width=2)

    assert (problem.line, problem.column, problem.width) == (2, column, 2)
    assert problem.source[problem.column - 1 :].startswith("25")


def test_an_escape_leaves_the_problem_at_the_start_of_the_scalar() -> None:
    problem = parse('cron: "0\\x2025 * * *"\n').problem(("cron",), "no", offset=2, width=2)

    assert problem.column == 7


def test_a_problem_is_placed_at_a_key_or_at_a_list_item() -> None:
    document = parse("jobs:\n  a:\n    deliver: [archive, fone]\n")

    item = document.problem(("jobs", "a", "deliver", 1), "unknown channel")
    key = document.problem(("jobs", "a"), "bad id", key=True)
    gone = document.problem(("jobs", "a", "agent"), "missing")

    assert (item.line, item.column, item.width) == (3, 24, 4)
    assert (key.line, key.column, key.width) == (2, 3, 1)
    assert (gone.line, gone.column) == (2, 3)


def test_every_fault_of_a_file_is_told_at_once() -> None:
    text = (
        "timezon: UTC\n"
        "items:\n"
        "  a: {name: x, colour: grene, size: big}\n"
        "  b:\n"
        "    mode: onse\n"
        "rows:\n"
        "  - name: y\n"
        "    siez: 3\n"
        "    every: 90 minutes\n"
    )

    told = [(p.line, p.column, p.message, p.hint) for p in faults(text)]

    assert told == [
        (1, 1, "unknown key `timezon`", "did you mean `timezone`?"),
        (3, 24, "`colour` cannot be \"grene\"; it is 'red' or 'green'", "did you mean `green`?"),
        (
            3,
            37,
            '`size` should be a whole number, not "big"',
            None,
        ),
        (4, 3, "missing key `name`", None),
        (5, 11, "`mode` cannot be \"onse\"; it is 'skip' or 'once'", "did you mean `once`?"),
        (8, 5, "unknown key `siez`", "did you mean `size`?"),
        (
            9,
            12,
            '"90 minutes" is no duration',
            "write it like 90s, 20m, 1h30m or 2d, largest unit first",
        ),
    ]


def test_two_missing_keys_of_one_mapping_are_both_told() -> None:
    class Pair(Strict):
        left: int
        right: int

    checked = check(parse("{}\n"), Pair)

    assert isinstance(checked, list)
    assert [p.message for p in checked] == ["missing key `left`", "missing key `right`"]


def test_a_part_of_a_document_is_checked_in_its_place() -> None:
    document = parse("items:\n  a: {name: x}\n  b: {nam: y}\n")

    good = check(document, Item, ("items", "a"))
    bad = check(document, Item, ("items", "b"))

    assert good == Item(name="x")
    assert isinstance(bad, list)
    assert [(p.line, p.column, p.message) for p in bad] == [
        (3, 3, "missing key `name`"),
        (3, 7, "unknown key `nam`"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a:\n\t- b\n", 2, 1, "a tab cannot indent YAML"),
        ("a: 1\n\tb: 2\n", 2, 1, "a tab cannot indent YAML"),
        ("a: b: c\n", 1, 5, "`:` is not allowed here"),
        ("a: 1\n b: 2\n", 2, 3, "`:` is not allowed here"),
        ("a:\n  - b\n c: 1\n", 3, 2, "this line does not belong to the block above it"),
        ("a: @x\n", 1, 4, "'@' cannot begin a value"),
        ("a: 'x\n", 1, 6, "a quote is opened and never closed"),
        ("a: [1,\n", 1, 7, "a bracket is opened and never closed"),
        ("{a: 1", 1, 6, "a bracket is opened and never closed"),
        ("a: *x\n", 1, 4, "`*x` refers to an anchor that is not there"),
        ("a: 1\n---\nb: 1\n", 2, 1, "a second document starts here"),
        ("a: !foo 1\n", 1, 4, "unknown tag !foo"),
        ("a: 1\nb: \x01\n", 2, 4, "the character U+0001 is not allowed in YAML"),
        ("a: 1\nb: 2\na: 3\n", 3, 1, "key `a` is given twice, first on line 1"),
        ("x:\n  a: 1\n  a: 3\n", 3, 3, "key `a` is given twice, first on line 2"),
    ],
)
def test_broken_syntax_is_told_in_plain_words_at_its_place(
    text: str, line: int, column: int, message: str
) -> None:
    problem = syntax_fault(text)

    assert (problem.line, problem.column, problem.message) == (line, column, message)


def test_a_file_that_is_not_utf8_names_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "cron.yaml"
    path.write_bytes(b"a: 1\nb: " + b"caf\xe9\n")

    with pytest.raises(ConfigError) as caught:
        Document.read(path)

    [problem] = caught.value.problems
    assert (problem.line, problem.column, problem.message) == (2, 7, "byte 0xe9 is not UTF-8")


def test_a_missing_file_is_a_problem_and_a_byte_order_mark_is_none(tmp_path: Path) -> None:
    marked = tmp_path / "marked.yaml"
    marked.write_bytes(b"\xef\xbb\xbftimezone: Asia/Kolkata\r\n")

    assert load(marked, Sheet).timezone == "Asia/Kolkata"
    with pytest.raises(ConfigError, match="No such file"):
        Document.read(tmp_path / "none.yaml")


def test_an_empty_file_is_an_empty_mapping_to_its_model() -> None:
    class Needy(Strict):
        jobs: dict[str, Item]

    checked = check(parse("# nothing yet\n"), Needy)

    assert isinstance(checked, list)
    assert [(p.line, p.column, p.message) for p in checked] == [(1, 1, "missing key `jobs`")]
    assert check(parse(""), Sheet) == Sheet()


def test_front_matter_counts_lines_as_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "SOUL.md"
    path.write_text("---\nname: zoe\nsiez: 1\n---\n# Zoe\n\nYou lead.\n")

    document = Document.read(path)
    checked = check(document, Item)

    assert document.data == {"name": "zoe", "siez": 1}
    assert document.body == "# Zoe\n\nYou lead.\n"
    assert isinstance(checked, list)
    assert [(p.line, p.column) for p in checked] == [(3, 1)]
    assert checked[0].source == "siez: 1"


def test_front_matter_that_never_ends_is_a_problem() -> None:
    with pytest.raises(ConfigError, match="never closed"):
        Document.parse_markdown("---\nname: zoe\n# Zoe\n", Path("SOUL.md"))


def test_markdown_without_front_matter_is_all_body() -> None:
    document = Document.parse_markdown("# Zoe\n---\n", Path("SOUL.md"))

    assert document.data is None
    assert document.body == "# Zoe\n---\n"
    assert split_front_matter("") == (None, "")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("# a note\n" + "[" * 3000, (2,), "nested too deeply"),
        ("a: 1\nb: " + "1" * 5000, (2, 4), "cannot be read"),
        ("a: [1,\n  !!int abc]", (2, 3), "cannot be read"),
        ("a: !!bool perhaps", (1, 4), "cannot be read"),
        ("%YAML 1.1\n---\na: 1\n", (1,), "no YAML"),
    ],
)
def test_what_the_library_trips_over_is_a_fault_with_its_place(
    text: str, place: tuple[int, ...], words: str
) -> None:
    problem = syntax_fault(text)

    assert (problem.line, problem.column)[: len(place)] == place
    assert words in problem.message
    assert len(problem.source) < 1000


def test_a_file_of_more_than_a_mebibyte_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "cron.yaml"
    path.write_text("#" * (1024 * 1024 + 1))

    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        Document.read(path)

    path.write_text("#" * 1024 * 1024)
    assert Document.read(path).data is None


def test_escapes_for_halves_of_a_surrogate_pair_make_whole_text() -> None:
    document = Document.parse('a: "\\ud83d\\ude00"\nb: "\\ud800"\n', Path("x.yaml"))

    assert document.data == {"a": "\U0001f600", "b": "\ufffd"}


NINE_TO_THE_NINTH = "a0: &a0 [x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (NINE_TO_THE_NINTH, "make more than a file can mean"),
        ("a: &a [1, *a]\n", "refers to the value itself"),
        ("a: &a {<<: *a}\n", "refers to the value itself"),
        ("a: " + "[" * 3000, "nested too deeply"),
    ],
)
def test_a_few_lines_that_would_take_hours_are_refused(text: str, words: str) -> None:
    assert words in syntax_fault(text).message


def test_an_alias_may_be_used_many_times() -> None:
    document = Document.parse("a: &a {x: 1}\nb: [" + "*a, " * 500 + "]\n", FILE)

    assert document.data["b"] == [{"x": 1}] * 500


def test_only_the_ends_that_editors_know_end_a_line() -> None:
    problem = syntax_fault("a: one\u2028two\x85three\rb: [\n")

    assert (problem.line, problem.column) == (2, 5)
    assert split_front_matter("---\na: b\u2028---\n---\nc") == ("a: b\u2028---\n", "c")


def test_a_first_byte_that_is_no_utf8_stands_on_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "cron.yaml"
    path.write_bytes(b"\xff\xfej")

    with pytest.raises(ConfigError) as refusal:
        Document.read(path)

    assert (refusal.value.problems[0].line, refusal.value.problems[0].column) == (1, 1)


def test_a_message_repeats_no_key_of_any_length() -> None:
    problem = Document.parse("a: 1", FILE).problem(("a",), "k" * 10_000)

    assert len(problem.message) <= 500
