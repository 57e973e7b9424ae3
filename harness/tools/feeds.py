"""Feeds asked all at once: each politely, none for long, and what went wrong is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from harness.clock import Clock, stamp
from harness.config.sources import Source
from harness.network.errors import NetworkError
from harness.network.response import Response
from harness.network.web import Web
from harness.tools.crowd import within
from harness.tools.feed_cache import FeedCache, FeedRecord
from harness.tools.feed_parse import Item, NoFeed, parse_feed

MAX_FEEDS = 100  # in one reading
AT_ONCE = 40
PARSERS = 2  # parsing holds the interpreter: more threads only make the event loop wait
FEED_SECONDS = 10.0
TOTAL_SECONDS = 40.0
FEED_TYPES = "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.5"


@dataclass(frozen=True)
class Reading:
    """What one feed gave: its items, or why there are none."""

    source: Source
    items: Sequence[Item] = ()
    error: str | None = None


class FeedReader:
    """Reads feeds through the guarded client, with a cache for conditional requests."""

    def __init__(
        self,
        web: Web,
        cache: FeedCache,
        clock: Clock,
        *,
        feed_seconds: float = FEED_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self.web = web
        self.cache = cache
        self.clock = clock
        self.feed_seconds = min(feed_seconds, web.timeout)
        self.total_seconds = total_seconds
        self._places = asyncio.Semaphore(AT_ONCE)
        self._parsers = asyncio.Semaphore(PARSERS)

    async def read(self, sources: Sequence[Source]) -> list[Reading]:
        """One reading per source, in their order. Raises nothing for what a server does."""
        asked, left_out = sources[:MAX_FEEDS], sources[MAX_FEEDS:]
        answers = await within(self.total_seconds, [self._one(source) for source in asked])
        late = f"not read within the {self.total_seconds:g} s for all feeds"
        over = f"left out: one call reads at most {MAX_FEEDS} feeds"
        return [
            *(answer or Reading(s, error=late) for s, answer in zip(asked, answers, strict=True)),
            *(Reading(source, error=over) for source in left_out),
        ]

    async def _one(self, source: Source) -> Reading:
        async with self._places:
            record = await asyncio.to_thread(self.cache.load, source.url)
            asked_at = self.clock.now()
            try:
                fresh = await self._fetch(record)
                async with self._parsers:
                    items = await asyncio.to_thread(parsed, fresh, source, asked_at)
            except (NetworkError, NoFeed, BadStatus) as error:
                await self._remember(failed(record, str(error), asked_at, gone_now(error)))
                return Reading(source, error=str(error))
            await self._remember(succeeded(fresh, asked_at))
            return Reading(source, items)

    async def _fetch(self, record: FeedRecord) -> FeedRecord:
        """The record with its newest body. Raises NetworkError, BadStatus."""
        response = await self.web.get(
            record.url,
            headers={"Accept": FEED_TYPES, **record.conditions},
            timeout=self.feed_seconds,
        )
        if response.status == 304 and record.body:
            return record
        if not response.ok:
            raise BadStatus(response)
        return with_body(record, response)

    async def _remember(self, record: FeedRecord) -> None:
        try:
            await asyncio.to_thread(self.cache.store, record)
        except OSError:
            return  # a cache on a full disk must not cost the digest


class BadStatus(Exception):
    """The server answered with something other than a feed."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.said)
        self.status = response.status


def parsed(record: FeedRecord, source: Source, now: datetime) -> list[Item]:
    return parse_feed(record.body, record.content_type, record.final_url or record.url, source, now)


def with_body(record: FeedRecord, response: Response) -> FeedRecord:
    return replace(
        record,
        final_url=response.url,
        etag=response.headers.get("etag"),
        last_modified=response.headers.get("last-modified"),
        content_type=response.headers.get("content-type", ""),
        body=response.body,
    )


def succeeded(record: FeedRecord, at: datetime) -> FeedRecord:
    now = stamp(at)
    return replace(
        record, checked_at=now, last_success=now, failures=0, last_error=None, gone=False
    )


def failed(record: FeedRecord, error: str, at: datetime, gone: bool) -> FeedRecord:
    return replace(
        record, checked_at=stamp(at), failures=record.failures + 1, last_error=error, gone=gone
    )


def gone_now(error: Exception) -> bool:
    return isinstance(error, BadStatus) and error.status == 410
