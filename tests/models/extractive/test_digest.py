"""The digest, from a task to Markdown: what is in it, and that all of it is quoted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.clock import FakeClock
from harness.models.extractive import ExtractiveModel
from harness.models.extractive.digest import DEGRADED, Digest, write
from harness.models.extractive.feeds import read_checks, read_feeds
from harness.models.extractive.stories import merge, rank
from harness.models.port import ChatRequest, Message, Role, ToolCall
from tests.models.extractive.talking import (
    NOW,
    REST,
    RSS,
    VERIFY,
    checks,
    converse,
    entry,
    feeds,
    opening,
)

GPT = entry(
    "OpenAI releases GPT-6 [beta]",
    source="OpenAI",
    weight=1.8,
    summary="<p>Today we release GPT-6. It remembers more. It costs less.</p>",
    tags=["lab"],
)
GPT_AGAIN = entry("OpenAI releases GPT-6 beta", source="The Verge", url="https://verge.example/1")
BANKS = entry("Banks lower their rates again", source="Wire", published=None)


async def test_a_digest_reads_all_feeds_then_checks_all_links_then_answers() -> None:
    reply, calls = await converse(
        "Morning digest.",
        {"rss": lambda _: feeds(GPT, GPT_AGAIN, BANKS), "verify_url": checks},
        [RSS, VERIFY],
    )

    assert calls == [
        ("rss", {"source": "all", "limit": 200, "since_hours": 36}),
        ("verify_url", {"urls": [GPT["url"], BANKS["url"]]}),
    ]
    assert reply.degraded
    assert reply.model == "extractive/digest"
    assert reply.usage.estimated


async def test_an_item_has_headline_sources_date_labels_and_its_first_sentences() -> None:
    reply, _ = await converse(
        "Morning digest.",
        {
            "rss": lambda _: feeds(
                GPT, GPT_AGAIN, BANKS, failed=[{"name": "X", "error": "timeout"}]
            ),
            "verify_url": lambda given: checks(given, BANKS["url"]),
        },
        [RSS, VERIFY],
    )

    assert reply.message.content == "\n".join(
        [
            "# Digest, 2026-11-20",
            "",
            f"1. [OpenAI releases GPT-6 \\[beta\\]]({GPT['url']}) — OpenAI, also: "
            "[The Verge](https://verge.example/1) · 2026-11-20, 3 hours ago",
            "   Today we release GPT-6. It remembers more.",
            f"2. [Banks lower their rates again]({BANKS['url']}) — Wire · undated · `unverified` · "
            "`single-source`",
            "",
            "## Missing",
            "",
            "- X: timeout",
            "",
            "2 items from 3 entries; 2 of 3 feeds answered; 2 links checked, 1 answered.",
            "",
            DEGRADED,
        ]
    ).replace("/openai-releases-gpt-6-[beta]", "/openai-releases-gpt-6-[beta]")


async def test_the_task_says_how_many_and_how_far_back() -> None:
    many = [entry(f"Story number{n} from place{n}", source=f"s{n}") for n in range(12)]

    reply, calls = await converse(
        "Top 5 stories of the last 24 hours", {"rss": lambda _: feeds(*many)}, [RSS]
    )

    assert calls[0][1]["since_hours"] == 24
    assert len(re.findall(r"^\d+\. ", reply.message.content, re.MULTILINE)) == 5
    assert "links were not checked" in reply.message.content


async def test_with_nothing_new_it_looks_further_back_once() -> None:
    reply, calls = await converse("News?", {"rss": lambda _: feeds()}, [RSS, VERIFY])

    assert [given["since_hours"] for _, given in calls] == [36, 168]
    assert "No news: 3 of 3 feeds answered, with no entry." in reply.message.content


async def test_when_no_feed_answered_it_says_so_and_names_them() -> None:
    failed = [{"name": "A", "error": "HTTP 500"}, {"name": "B", "error": "timeout"}]

    reply, calls = await converse(
        "News?", {"rss": lambda _: feeds(failed=failed, count=2)}, [RSS, VERIFY]
    )

    assert len(calls) == 1
    assert "No news: none of the 2 feeds answered." in reply.message.content
    assert "- A: HTTP 500\n- B: timeout" in reply.message.content
    assert DEGRADED in reply.message.content


async def test_an_error_of_the_tool_is_passed_on() -> None:
    reply, _ = await converse("News?", {"rss": lambda _: "Error: no such source: all"}, [RSS])

    assert "rss: Error: no such source: all" in reply.message.content


async def test_sections_follow_the_tags_when_there_are_some() -> None:
    told = [
        entry(f"{tag} event{n} number{n}", source=f"{tag}{n}", tags=[tag])
        for tag in ("labs", "press")
        for n in range(3)
    ] + [entry("Something quite different here", source="z", tags=["lonely"])]

    reply, _ = await converse("News?", {"rss": lambda _: feeds(*told)}, [RSS])

    assert re.findall(r"^## (.*)$", reply.message.content, re.MULTILINE) == [
        "labs",
        "press",
        "Other",
    ]


async def test_a_preview_cut_in_the_middle_gives_what_it_holds() -> None:
    whole = feeds(GPT, BANKS)

    reply, _ = await converse("News?", {"rss": lambda _: whole[:-40] + "\n[cut: 40 of"}, [RSS])

    assert "1 items from 1 of 2 entries" in reply.message.content


async def test_a_reading_too_long_for_the_prompt_is_read_to_its_end() -> None:
    many = [entry(f"Event{n} of place{n}", source=f"s{n}", summary="word " * 60) for n in range(90)]
    whole = feeds(*many)
    shown = whole[:10_000].rfind("\n") + 1
    cut = f"[cut: {shown} of {len(whole)} characters are shown; "
    first = whole[:shown] + cut + f'read_result(id="c1", offset={shown}) gives more]'

    def part(given: Mapping[str, Any]) -> str:
        return whole[given["offset"] : given["offset"] + given["length"]] + "\n[to be continued]"

    reply, calls = await converse(
        "News?", {"rss": lambda _: first, "read_result": part}, [RSS, REST]
    )

    assert [name for name, _ in calls] == ["rss", "read_result", "read_result"]
    assert "24 items from 90 entries" in reply.message.content


async def test_notes_that_came_meanwhile_are_quoted() -> None:
    reply, _ = await converse(
        "News?",
        {"rss": lambda _: feeds(BANKS)},
        [RSS],
        notes=["Note from zoe:\n\nMind the *rates*."],
    )

    assert "> Note from zoe:\n>\n> Mind the \\*rates\\*." in reply.message.content


async def test_without_tools_it_still_answers_from_what_was_read() -> None:
    messages = [
        opening("Morning digest."),
        Message(Role.ASSISTANT, "", [ToolCall("1", "rss", {})]),
        Message(Role.TOOL, feeds(GPT), call_id="1", tool_name="rss"),
        Message(Role.USER, "Stop here: this is your last turn."),
    ]

    reply = await ExtractiveModel(FakeClock(NOW)).chat(ChatRequest(messages))

    assert "OpenAI releases GPT-6" in reply.message.content


async def test_time_that_passes_during_the_check_changes_no_choice() -> None:
    clock = FakeClock(NOW)
    model = ExtractiveModel(clock)
    told = [entry(f"Event{n} at place{n}", source=f"s{n}", weight=1 + n / 100) for n in range(60)]
    messages = [
        opening("Digest."),
        Message(Role.ASSISTANT, "", [ToolCall("1", "rss", {})]),
        Message(Role.TOOL, feeds(*told), call_id="1", tool_name="rss"),
    ]
    asked = (await model.chat(ChatRequest(messages, [RSS, VERIFY]))).message
    messages += [
        asked,
        Message(Role.TOOL, checks(asked.tool_calls[0].arguments), call_id=asked.tool_calls[0].id),
    ]

    await clock.advance(7200)
    reply = await model.chat(ChatRequest(messages, [RSS, VERIFY]))

    assert "unverified" not in reply.message.content
    assert "24 links checked, 24 answered" in reply.message.content


async def test_a_format_is_filled_with_the_stories() -> None:
    schema = {
        "type": "object",
        "properties": {
            "items": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"headline": {"type": "string"}, "url": {"type": "string"}},
                    "required": ["headline", "url"],
                },
            },
            "degraded": {"type": "boolean"},
        },
        "required": ["items", "degraded"],
    }
    messages = [
        opening("Digest."),
        Message(Role.ASSISTANT, "", [ToolCall("1", "rss", {})]),
        Message(Role.TOOL, feeds(BANKS), call_id="1", tool_name="rss"),
    ]

    reply = await ExtractiveModel(FakeClock(NOW)).chat(ChatRequest(messages, format=schema))

    assert json.loads(reply.message.content) == {
        "items": [{"headline": BANKS["title"], "url": BANKS["url"]}],
        "degraded": True,
    }


# ----------------------------------------------------------------------------------- any input

loose = st.one_of(st.none(), st.text(max_size=12), st.integers(), st.floats(), st.booleans())
lines = st.dictionaries(
    st.sampled_from(
        [
            "title",
            "url",
            "source",
            "published",
            "weight",
            "summary",
            "tags",
            "feeds",
            "failed",
            "answered",
            "ok",
        ]
    ),
    st.one_of(loose, st.lists(loose, max_size=3)),
)


@given(st.lists(st.one_of(lines.map(json.dumps), st.text(max_size=30)), max_size=12).map("\n".join))
@settings(max_examples=150)
def test_nothing_that_a_tool_may_say_makes_it_raise(text: str) -> None:
    reading = read_feeds(text)

    write(Digest(merge(reading.entries), reading, read_checks(text), True), NOW)


strangers = st.fixed_dictionaries(
    {
        "title": st.text(min_size=1, max_size=40),
        "url": st.sampled_from(["https://a.org/1", "https://a.org/(2)", "javascript:x", ""]),
        "summary": st.text(max_size=60),
        "source": st.text(max_size=8),
    }
)


@given(st.lists(strangers, max_size=8))
@settings(max_examples=100)
def test_every_headline_stands_in_the_feeds(told: list[Mapping[str, Any]]) -> None:
    text = "\n".join(json.dumps(dict(line)) for line in told)
    reading = read_feeds(text)
    stories = rank(merge(reading.entries), NOW, frozenset())
    given_titles = {" ".join(line["title"].split()) for line in told}

    written = write(Digest(stories, reading), NOW)

    assert {story.lead.title for story in stories} <= given_titles
    assert "](javascript" not in written
    assert DEGRADED in written


@pytest.mark.parametrize("text", ["", "no lines of JSON", "[" * 5000, '{"feeds": '])
def test_text_without_entries_is_an_empty_reading(text: str) -> None:
    assert not read_feeds(text).entries
