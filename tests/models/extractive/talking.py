"""A conversation with the extractive model, and tools that answer from a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from harness.clock import FakeClock
from harness.models.extractive import ExtractiveModel
from harness.models.port import ChatRequest, Message, Reply, Role, ToolSpec

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
Answers = Mapping[str, Callable[[Mapping[str, Any]], str]]


def spec(name: str, required: Sequence[str] = (), /, **properties: Any) -> ToolSpec:
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    return ToolSpec(name, "", parameters)


TEXT = {"type": "string"}
RSS = spec("rss", source=TEXT, limit={"type": "integer"}, since_hours={"type": "integer"})
VERIFY = spec("verify_url", ["urls"], urls={"type": "array", "items": TEXT})
NUMBER = {"type": "integer"}
REST = spec(
    "read_result", ["id"], id=TEXT, offset=NUMBER, length={"type": "integer", "maximum": 20_000}
)
FETCH = spec("web_fetch", ["url"], url=TEXT)
MEMORY = spec(
    "memory", ["action"], action={"enum": ["search", "read", "append"], **TEXT}, query=TEXT
)
SHARED = spec(
    "shared_context", ["action"], action={"enum": ["list", "read", "write"], **TEXT}, name=TEXT
)


def opening(task: str) -> Message:
    head = "From: cron (job morning)\nDate: Friday, 2026-11-20 07:00 America/Los_Angeles\n\n"
    return Message(Role.USER, head + task)


async def converse(
    task: str, answers: Answers, tools: Sequence[ToolSpec], *, notes: Sequence[str] = ()
) -> tuple[Reply, list[tuple[str, Mapping[str, Any]]]]:
    """Run the loop to its end. Returns the last reply and all calls made."""
    model = ExtractiveModel(FakeClock(NOW))
    messages = [Message(Role.SYSTEM, "You are an agent."), opening(task)]
    calls: list[tuple[str, Mapping[str, Any]]] = []
    for _ in range(10):
        reply = await model.chat(ChatRequest(messages, tools))
        if not reply.message.tool_calls:
            return reply, calls
        messages.append(reply.message)
        for call in reply.message.tool_calls:
            calls.append((call.name, call.arguments))
            text = answers[call.name](call.arguments)
            messages.append(Message(Role.TOOL, text, call_id=call.id, tool_name=call.name))
        messages += [Message(Role.USER, note) for note in notes]
        notes = ()
    raise AssertionError("it never came to an answer")


def feeds(*entries: Mapping[str, Any], failed: Sequence[Any] = (), count: int = 3) -> str:
    """The text of an rss result."""
    answered = count - len(failed)
    head = {"feeds": count, "answered": answered, "failed": failed, "items": len(entries)}
    return "\n".join(json.dumps(line) for line in [head, *entries])


def entry(title: str, **more: Any) -> dict[str, Any]:
    slug = "-".join(title.lower().split())
    return {
        "title": title,
        "url": f"https://news.example/{slug}",
        "source": "Example",
        "published": "2026-11-20T12:00:00+00:00",
        "weight": 1.0,
        "summary": "",
        "tags": [],
    } | more


def checks(arguments: Mapping[str, Any], *bad: str) -> str:
    """The text of a verify_url result: all links answer but the bad ones."""
    return "\n".join(
        json.dumps({"url": url, "ok": url not in bad, "status": 404 if url in bad else 200})
        for url in arguments["urls"]
    )
