"""Tasks that are no digest: what is looked up, what is quoted, and what is not invented."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.clock import FakeClock
from harness.models.extractive import ExtractiveModel
from harness.models.extractive.digest import DEGRADED
from harness.models.extractive.lookups import arguments
from harness.models.extractive.wishes import about, hours_back, how_many, wants_news
from harness.models.port import ChatRequest, Message, Role, ToolCall
from harness.text.fence import fenced
from tests.models.extractive.talking import (
    FETCH,
    MEMORY,
    NOW,
    RSS,
    SHARED,
    converse,
    opening,
    spec,
)

PAGE = "Cats sleep most of the day. Dogs guard the house at night. Birds sing."


async def test_an_address_in_the_task_is_fetched_and_quoted() -> None:
    reply, calls = await converse(
        "What do dogs do? See https://pets.example/a.", {"web_fetch": lambda _: PAGE}, [FETCH, RSS]
    )

    assert calls == [("web_fetch", {"url": "https://pets.example/a"})]
    assert reply.message.content == (
        f"From https://pets.example/a:\n\n> Dogs guard the house at night.\n\n{DEGRADED}"
    )


async def test_a_page_in_its_fence_is_quoted_without_it() -> None:
    page = fenced("https://pets.example/a", f"# Pets\n\n{PAGE}")

    reply, _ = await converse(
        "Which page reads of dogs? https://pets.example/a.", {"web_fetch": lambda _: page}, [FETCH]
    )

    assert reply.message.content == (
        f"From https://pets.example/a:\n\n> Dogs guard the house at night.\n\n{DEGRADED}"
    )


async def test_memory_is_searched_and_the_pages_listed_each_once() -> None:
    reply, calls = await converse(
        "Where do the dogs sleep?",
        {
            "memory": lambda _: "2026-11-01: The dogs sleep in the barn.",
            "shared_context": lambda given: (
                "dogs.md (version 2)\nprices.md" if given["action"] == "list" else PAGE
            ),
        },
        [MEMORY, SHARED],
    )

    assert calls == [
        ("memory", {"action": "search", "query": "dogs sleep"}),
        ("shared_context", {"action": "list"}),
        ("shared_context", {"action": "read", "name": "dogs.md"}),
    ]
    assert "From memory:\n\n> 2026-11-01: The dogs sleep in the barn." in reply.message.content
    assert "From dogs.md:" in reply.message.content


async def test_a_page_that_the_task_names_is_read_and_quoted_even_if_no_word_fits() -> None:
    reply, calls = await converse(
        "Read priorities.md.",
        {"shared_context": lambda _: "version: 1f\n\n# Now\n\nShip it."},
        [SHARED],
    )

    assert calls == [("shared_context", {"action": "read", "name": "priorities.md"})]
    assert "> Ship it." in reply.message.content
    assert "1f" not in reply.message.content


async def test_what_was_not_found_is_not_invented() -> None:
    reply, _ = await converse("Where do whales sing?", {"memory": lambda _: "no hits"}, [MEMORY])

    assert reply.message.content == (
        f"Nothing found that fits this task; looked in: memory.\n\n{DEGRADED}"
    )


@pytest.mark.parametrize(
    "said",
    [
        "Error: dogs ate the index",
        "the tool broke: OSError: dogs.md",
        "there is no page `dogs.md`",
        "https://dogs.example answered 404 Not Found",
    ],
)
async def test_an_error_is_no_source_of_quotes(said: str) -> None:
    reply, _ = await converse("What about dogs?", {"memory": lambda _: said}, [MEMORY])

    assert "Nothing found" in reply.message.content
    assert "dogs" not in reply.message.content


async def test_a_result_marked_as_failed_is_no_source_of_quotes() -> None:
    messages = [
        opening("What about dogs?"),
        Message(Role.ASSISTANT, "", [ToolCall("1", "memory", {})]),
        Message(Role.TOOL, "The dogs are out.", call_id="1", tool_name="memory", failed=True),
    ]

    reply = await ExtractiveModel(FakeClock(NOW)).chat(ChatRequest(messages))

    assert "dogs" not in reply.message.content


async def test_a_task_beyond_it_ends_with_an_honest_word() -> None:
    reply, calls = await converse("Write a poem.", {}, [])

    assert calls == []
    assert "needs a language model" in reply.message.content
    assert DEGRADED in reply.message.content


async def test_a_long_task_is_itself_quoted_from() -> None:
    record = "Filler stands here for a while. " * 60 + "The whale weighs 90 tons. "

    reply, _ = await converse(f"Sum up what is known of the whale. {record}", {}, [])

    assert "> The whale weighs 90 tons." in reply.message.content


async def test_the_same_conversation_gives_the_same_reply() -> None:
    request = ChatRequest([opening("What do dogs do?")], [MEMORY, SHARED])
    model = ExtractiveModel(FakeClock(NOW))

    assert await model.chat(request) == await model.chat(request)


@given(st.text(max_size=200), st.text(max_size=200))
@settings(max_examples=100)
async def test_any_words_get_an_answer(task: str, found: str) -> None:
    answers = dict.fromkeys(["memory", "shared_context", "web_fetch", "rss"], lambda _: found)

    reply, _ = await converse(task, answers, [MEMORY, SHARED, FETCH, RSS])

    assert DEGRADED in reply.message.content


async def test_it_streams_its_text_and_is_always_ready() -> None:
    heard: list[str | None] = []
    model = ExtractiveModel(FakeClock(NOW))

    reply = await model.chat(ChatRequest([Message(Role.USER, "hi")]), heard.append)

    assert heard == [reply.message.content]
    assert await model.probe() is None


@pytest.mark.parametrize(
    ("task", "count", "hours"),
    [
        ("Morning digest.", 24, None),
        ("Top 5 of the last 3 days", 5, 72),
        ("Weekend digest of the last 24 hours. 10 items are enough.", 10, 24),
        ("the past week", 24, 168),
        ("0 items", 1, None),
    ],
)
def test_numbers_in_a_task_are_understood(task: str, count: int, hours: int | None) -> None:
    assert how_many(task) == count
    assert hours_back(task) == hours


def test_a_task_is_about_its_own_words() -> None:
    assert about("Morning digest about Ollama, top 5, see https://x.org/news") == {"ollama"}
    assert wants_news("What's new?")
    assert not wants_news("Buy milk")


def test_a_call_is_only_made_as_its_schema_allows() -> None:
    reader = spec(
        "reader",
        ["action"],
        action={"enum": ["read"], "type": "string"},
        limit={"type": "integer", "maximum": 5},
        names={"type": "array", "maxItems": 1},
    )

    assert arguments(reader, action="read", limit=9, names=["a", "b"], other=1) == {
        "action": "read",
        "limit": 5,
        "names": ["a"],
    }
    assert arguments(reader, action="write") is None
    assert arguments(reader, limit=3) is None
