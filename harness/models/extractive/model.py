"""A model without a language model: it calls the tools that fit, and quotes what they bring.

It obeys the same port and drives the same loop, and decides by rule from the messages and the
tools offered, so that the same conversation at the same time gives the same reply.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from harness.clock import Clock
from harness.models.extractive import digest, quotes
from harness.models.extractive.digest import Digest
from harness.models.extractive.feeds import Reading, read_checks, read_feeds
from harness.models.extractive.form import fill
from harness.models.extractive.lookups import Wanted, arguments, lookups
from harness.models.extractive.situation import Result, Situation, read
from harness.models.extractive.stories import Story, merge, pick, rank
from harness.models.extractive.wishes import about, hours_back, how_many, wants_news
from harness.models.port import (
    ChatRequest,
    Message,
    OnDelta,
    Reply,
    Role,
    ToolCall,
    Usage,
    estimate_prompt,
    estimate_tokens,
)
from harness.text.urls import find_urls

HOURS = 36  # of news, when the task does not say
HOURS_WIDER = 168  # when those held nothing
ENTRIES = 200
PARTS = 10  # of a long result, at most
PART_CHARS = 20_000
PART_OVERLAP = 2_000
CUT = re.compile(
    r"\[cut: (?P<shown>\d+) of (?P<whole>\d+) characters are shown; "
    r'read_result\(id="(?P<id>[^"]+)"'
)


class ExtractiveModel:
    """Always there, never clever. Every reply is marked as degraded, and its text says so."""

    name = "extractive/digest"
    context_tokens = 200_000

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def chat(self, request: ChatRequest, on_delta: OnDelta | None = None) -> Reply:
        message = self._answer(request)
        if on_delta is not None and message.content:
            on_delta(message.content)
        written = estimate_tokens(message.content) + sum(
            estimate_tokens(json.dumps(dict(call.arguments))) for call in message.tool_calls
        )
        usage = Usage(estimate_prompt(request), written, estimated=True)
        return Reply(message, usage, self.name, degraded=True)

    async def probe(self) -> str | None:
        return None

    async def aclose(self) -> None:
        """Nothing is held open."""

    def _answer(self, request: ChatRequest) -> Message:
        situation, now = read(request), self._clock.now()
        if wanted := next_calls(situation, now):
            made = len(situation.results)
            calls = [
                ToolCall(f"extract-{made + number}", name, given)
                for number, (name, given) in enumerate(wanted, start=1)
            ]
            return Message(Role.ASSISTANT, "", calls)
        return Message(Role.ASSISTANT, final(situation, now))


def next_calls(situation: Situation, now: datetime) -> Sequence[Wanted]:
    """What to ask of the tools before answering; nothing when there is nothing left to ask."""
    if is_digest(situation):
        return next_feeds_call(situation) or next_parts(situation) or next_check(situation, now)
    return lookups(situation)


def is_digest(situation: Situation) -> bool:
    """News were asked for, or feeds are all that could help."""
    if situation.of("rss"):
        return True
    if "rss" not in situation.tools:
        return False
    return wants_news(situation.task) or not find_urls(situation.task)


def next_feeds_call(situation: Situation) -> list[Wanted]:
    """One reading of all feeds; a second one further back when the first held no entry."""
    tool, readings = situation.tools.get("rss"), situation.of("rss")
    if tool is None or len(readings) > 1:
        return []
    hours = hours_back(situation.task) or HOURS
    if readings:
        first = read_feeds(readings[0].text)
        if first.entries or not first.answered or hours >= HOURS_WIDER:
            return []
        hours = HOURS_WIDER
    given = arguments(tool, source="all", limit=ENTRIES, since_hours=hours)
    if given is None or (readings and given == dict(readings[0].arguments)):
        return []
    return [("rss", given)]


def next_parts(situation: Situation) -> list[Wanted]:
    """The rest of a reading that was too long for the prompt, in parts that overlap.

    A line that two parts share in halves would be lost without the overlap.
    """
    tool, readings = situation.tools.get("read_result"), situation.of("rss")
    if tool is None or not readings or situation.of("read_result"):
        return []
    cut = CUT.search(readings[-1].text)
    if cut is None:
        return []
    starts = range(int(cut["shown"]), int(cut["whole"]), PART_CHARS - PART_OVERLAP)
    wanted = [arguments(tool, id=cut["id"], offset=at, length=PART_CHARS) for at in starts]
    return [("read_result", given) for given in wanted[:PARTS] if given]


def next_check(situation: Situation, now: datetime) -> list[Wanted]:
    """One check of the links of all stories chosen."""
    tool = situation.tools.get("verify_url")
    if tool is None or situation.of("verify_url"):
        return []
    chosen = choose(situation, now)
    urls = [story.lead.url for story in chosen if digest.is_link(story.lead.url)]
    given = arguments(tool, urls=list(dict.fromkeys(urls))) if urls else None
    return [("verify_url", given)] if given else []


def choose(situation: Situation, now: datetime) -> list[Story]:
    """The stories of the digest, best first: those whose links were checked come first.

    Time goes on while links are checked, and a ranking made again could choose others.
    """
    count = how_many(situation.task)
    stories = merge(reading_of(situation).entries)
    by_url = {story.lead.url: story for story in stories}
    asked = [url for result in situation.of("verify_url") for url in urls_of(result)]
    checked = [by_url[url] for url in asked if url in by_url]
    picked = pick(rank(stories, now, about(situation.task)), count)
    return list(dict.fromkeys([*checked, *picked]))[:count]


def urls_of(result: Result) -> list[str]:
    urls = result.arguments.get("urls")
    return [url for url in urls if isinstance(url, str)] if isinstance(urls, list) else []


def reading_of(situation: Situation) -> Reading:
    """The richest reading of the feeds; when there is none, why."""
    results = situation.of("rss")
    parts = [result.text for result in situation.of("read_result")]
    texts = ["\n".join([result.text, *parts]) for result in results]
    readings = [read_feeds(text) for text in texts]
    best = max(readings, key=lambda one: (len(one.entries), one.feeds), default=Reading())
    if best.feeds or best.entries or not results:
        return best
    return Reading(failed=[("rss", " ".join(results[-1].text.split()))])


def final(situation: Situation, now: datetime) -> str:
    """The answer as text, or as JSON where a format is wanted."""
    if not is_digest(situation):
        text, stories = quotes.write(situation), []
    else:
        stories = choose(situation, now)
        checks = situation.of("verify_url")
        found = read_checks("\n".join(result.text for result in checks))
        text = digest.write(
            Digest(stories, reading_of(situation), found, bool(checks), situation.notes),
            now,
            situation.day,
        )
    if situation.format is None:
        return text
    return json.dumps(fill(situation.format, facts(text, stories)), ensure_ascii=False)


def facts(text: str, stories: Sequence[Story]) -> dict[str, Any]:
    """What a schema may ask for, under the names that such properties usually have."""
    entries = [facts_of(story) for story in stories]
    first: Mapping[str, Any] = entries[0] if entries else {}
    whole = dict.fromkeys(("text", "answer", "content", "body", "result", "report"), text)
    lists = dict.fromkeys(("items", "stories", "articles", "entries", "results", "news"), entries)
    return {**first, **whole, **lists, "degraded": True}


def facts_of(story: Story) -> dict[str, Any]:
    lead, published = story.lead, story.published
    summary = digest.opening(story)
    return {
        **dict.fromkeys(("title", "headline", "name", "subject"), lead.title),
        **dict.fromkeys(("url", "link", "href"), lead.url),
        **dict.fromkeys(("summary", "description", "lead", "text", "quote"), summary),
        **dict.fromkeys(("source", "publisher"), lead.source),
        "sources": list(story.sources),
        "tags": list(lead.tags),
        **dict.fromkeys(("published", "date"), published.isoformat() if published else None),
    }
