"""Tool calls written as text: the known shapes, the broken ones, and prose that is neither."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.models.port import ToolSpec
from harness.models.toolcalls import Broken, Written, read_calls

PARAMETERS = {
    "type": "object",
    "properties": {
        "url": {"type": "string"},
        "limit": {"type": "integer"},
        "tags": {"type": "array"},
    },
}
TOOLS = [ToolSpec("rss", "", PARAMETERS), ToolSpec("web_fetch", "", PARAMETERS)]
CALL = '{"name": "rss", "arguments": {"limit": 3}}'


def calls(text: str) -> list[tuple[str, dict[str, Any]]]:
    found = read_calls(text, TOOLS)
    assert isinstance(found, Written), found
    return [(name, dict(arguments)) for name, arguments in found.calls]


@pytest.mark.parametrize(
    "text",
    [
        f"<tool_call>{CALL}</tool_call>",
        f"<tool_call>\n{CALL}\n</tool_call>",
        f"<tool_call>{CALL}",  # the closing mark was a stop word
        f"<tool_call>[{CALL}]</tool_call>",
        f"<function_call>{CALL}</function_call>",
        f"<|tool_call|>{CALL}<|/tool_call|>",
        f"<|python_tag|>{CALL}<|eom_id|>",
        f"[TOOL_CALLS] [{CALL}]",
        f"[TOOL_CALLS]{CALL}</s>",
        '[TOOL_CALLS]rss[ARGS]{"limit": 3}',
        '[TOOL_CALLS]rss{"limit": 3}',
        '<function=rss>{"limit": 3}</function>',
        "<function=rss>\n<parameter=limit>\n3\n</parameter>\n</function>",
        "<tool_call>\n<function=rss>\n<parameter=limit>3</parameter>\n</function>\n</tool_call>",
        f"```json\n{CALL}\n```",
        f"```\n{CALL}\n```",
        f"I will read the feeds.\n```json\n{CALL}\n```\n",
        CALL,
        f"  [{CALL}]  ",
        '{"name": "rss", "parameters": {"limit": 3}}',
        '{"type": "function", "function": {"name": "rss", "arguments": {"limit": 3}}}',
        '{"function": "rss", "args": {"limit": 3}}',
        '{"name": "rss", "arguments": "{\\"limit\\": 3}"}',
    ],
)
def test_every_known_shape_is_one_call(text: str) -> None:
    assert calls(text) == [("rss", {"limit": 3})]


def test_several_calls_come_in_their_order() -> None:
    fetch = '{"name": "web_fetch", "arguments": {"url": "https://a.org"}}'

    one_mark_each = f"<tool_call>{CALL}</tool_call>\n<tool_call>{fetch}</tool_call>"
    one_mark = f"<tool_call>\n{CALL}\n{fetch}\n</tool_call>"
    a_list = f"[TOOL_CALLS][{CALL}, {fetch}]"

    for text in (one_mark_each, one_mark, a_list):
        assert [name for name, _ in calls(text)] == ["rss", "web_fetch"]


def test_the_prose_around_a_call_is_kept() -> None:
    found = read_calls(f"First the news.\n<tool_call>{CALL}</tool_call>\nThen more.", TOOLS)

    assert isinstance(found, Written)
    assert found.prose == "First the news.\n\nThen more."


def test_a_parameter_is_text_unless_its_schema_wants_something_else() -> None:
    text = (
        "<function=rss><parameter=url>42</parameter><parameter=limit>42</parameter>"
        '<parameter=tags>["a"]</parameter></function>'
    )

    assert calls(text) == [("rss", {"url": "42", "limit": 42, "tags": ["a"]})]


def test_a_line_break_within_a_string_does_no_harm() -> None:
    text = '<tool_call>{"name": "rss", "arguments": {"url": "a\nb"}}</tool_call>'

    assert calls(text) == [("rss", {"url": "a\nb"})]


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>" + CALL[:-4],
        '<tool_call>{"name": "unknown", "arguments": {}}</tool_call>',
        '<tool_call>{"arguments": {}}</tool_call>',
        '<tool_call>{"name": "rss", "arguments": [1]}</tool_call>',
        "[TOOL_CALLS] [" + CALL,
        "<function=rss>",
        "<function=rss>{broken",
        CALL[:-3],
        "<tool_call>" + "[" * 10_000,
    ],
)
def test_half_a_call_is_told_apart_from_prose(text: str) -> None:
    assert isinstance(read_calls(text, TOOLS), Broken)


@pytest.mark.parametrize(
    "text",
    [
        "The rss tool has a name and arguments.",
        "Use the <tool_call> mark for that.",
        '{"name": "Ada", "arguments": {"limit": 3}}',  # no such tool
        '{"name": "rss"}',  # a record that happens to have a name
        '{"name": "rss", "arguments": {}, "price": 3}',
        f"Write it like this:\n```json\n{CALL}\n```\nand then wait.",
        f"An example: {CALL}",
        "[1, 2, 3]",
        "[]",
        "{}",
        "",
        "```",
        "[" * 10_000,
    ],
)
def test_prose_and_plain_data_stay_what_they_are(text: str) -> None:
    assert read_calls(text, TOOLS) is None


def test_with_no_tools_offered_nothing_is_a_call() -> None:
    assert read_calls(f"<tool_call>{CALL}</tool_call>", []) is None


MARKS = ["<tool_call>", "</tool_call>", "[TOOL_CALLS]", "<function=rss>", "</function>",
         "```json\n", "```", "<parameter=a>", "</parameter>", "[ARGS]", "<|python_tag|>", CALL,
         "rss", "{", "}", "[", "]", '"', ",", ":", "\n", " "]  # fmt: skip


@given(st.lists(st.one_of(st.sampled_from(MARKS), st.text(max_size=5)), max_size=12).map("".join))
@example("<tool_call>{}")
@settings(max_examples=300)
def test_no_text_makes_it_raise_and_only_offered_tools_are_called(text: str) -> None:
    found = read_calls(text, TOOLS)

    if isinstance(found, Written):
        assert found.calls
        assert {name for name, _ in found.calls} <= {"rss", "web_fetch"}


@given(st.text(alphabet=st.characters(exclude_characters="{}[]<>`"), max_size=200))
def test_prose_never_becomes_a_call(text: str) -> None:
    assert read_calls(text, TOOLS) is None


@given(st.dictionaries(st.text(max_size=8), st.one_of(st.integers(), st.text()), max_size=4))
def test_arguments_arrive_as_they_were_written(arguments: dict[str, Any]) -> None:
    text = json.dumps({"name": "rss", "arguments": arguments})

    assert calls(text) == [("rss", arguments)]
    assert calls(f"<tool_call>{text}</tool_call>") == [("rss", arguments)]


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999", "[" * 100 + "]" * 100])
def test_arguments_that_cannot_be_sent_on_are_a_broken_call(value: str) -> None:
    found = read_calls(f'{{"name": "rss", "arguments": {{"limit": {value}}}}}', TOOLS)

    assert isinstance(found, Broken)


def test_a_name_of_any_length_is_repeated_in_part_only() -> None:
    found = read_calls(f'<tool_call>{{"name": "{"r" * 10_000}", "arguments": {{}}}}', TOOLS)

    assert isinstance(found, Broken)
    assert len(found.reason) < 200


def test_blanks_before_arguments_that_never_come_take_no_square_of_their_number() -> None:
    found = read_calls("[TOOL_CALLS]rss" + " " * 500_000 + "[ARGS]none", TOOLS)

    assert isinstance(found, Broken)
