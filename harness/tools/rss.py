"""`rss`: what is new in the feeds of an agent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from harness.config.names import did_you_mean
from harness.config.sources import Source, Sources, read_sources
from harness.network.address import parse_target
from harness.permission.action import Action, Trait
from harness.text.words import a_few, terms
from harness.tools.context import ToolContext
from harness.tools.feed_cache import FeedCache
from harness.tools.feed_parse import Item
from harness.tools.feeds import FeedReader, Reading
from harness.tools.tool import Output, ToolError, tool

FEED_KINDS = {"rss", "atom", "rdf", "feed"}


def foreseen(ctx: ToolContext, action: Action, arguments: Any) -> Action:
    """Which address the call asks, when it names one that is not in the agent's list."""
    wanted = arguments.source.strip()
    if not is_address(wanted) or wanted in addresses_listed(ctx):
        return action
    return replace(
        action,
        traits={Trait.READS_UNTRUSTED, Trait.SENDS_OUT},
        urls=(str(parse_target(wanted).url),),
    )


@tool(max_chars=90_000, timeout=60, traits={Trait.READS_UNTRUSTED}, plan=foreseen)
async def rss(
    ctx: ToolContext,
    source: Annotated[
        str, Field(description="`all` for your whole list, a name from it, or a feed's URL.")
    ] = "all",
    limit: Annotated[int, Field(ge=1, le=200, description="Most entries to return.")] = 60,
    since_hours: Annotated[
        float, Field(gt=0, le=24 * 366, description="How old an entry may be.")
    ] = 36,
    query: Annotated[
        str, Field(description="Keep only entries with at least one of these words.")
    ] = "",
) -> Output:
    """Read your feeds: newest entries first, no feed crowding out the others.

    The first line is a JSON object: feeds asked, feeds that answered, failed ones with the
    error, and the number of items. Each further line is one entry as a JSON object with title,
    url, source, published (null when the feed gives no date), weight, summary and tags.
    """
    listed = read_sources(ctx.home.sources_file(ctx.agent), kept_sources(ctx))
    wanted = choose(source.strip(), listed)
    reader = FeedReader(ctx.web, FeedCache(ctx.home.cache / "feeds"), ctx.clock)
    readings = await reader.read(wanted)
    items = select(readings, limit, ctx.clock.now() - timedelta(hours=since_hours), query)
    rows = [account(readings, listed, len(items)), *map(asdict, items)]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return Output(text, rows, source=named(wanted))


def addresses_listed(ctx: ToolContext) -> set[str]:
    listed = read_sources(ctx.home.sources_file(ctx.agent), kept_sources(ctx))
    return {source.url for source in listed.entries}


def is_address(wanted: str) -> bool:
    return urlsplit(wanted).scheme in {"http", "https"}


def named(sources: Sequence[Source]) -> str:
    """Where the entries come from, in a few words."""
    hosts = (urlsplit(source.url).hostname or source.name for source in sources)
    return a_few(dict.fromkeys(hosts), 3, "more hosts")


def choose(wanted: str, listed: Sources) -> Sequence[Source]:
    """The sources that the call means. Raises ToolError when there are none."""
    if is_address(wanted):
        known = [source for source in listed.entries if source.url == wanted]
        return known or [Source(name=parse_target(wanted).host[:100], url=wanted)]
    feeds = [source for source in listed.entries if source.kind in FEED_KINDS]
    if not feeds:
        faults = "; ".join(f"{problem.where}: {problem.message}" for problem in listed.problems)
        raise ToolError(f"there are no feeds in your sources.yaml{f': {faults}' if faults else ''}")
    if wanted.casefold() in {"", "all"}:
        return feeds
    chosen = [source for source in feeds if source.name.casefold() == wanted.casefold()]
    if not chosen:
        names = [source.name for source in feeds]
        ask = did_you_mean(wanted, names)
        known_names = f"known: all, {', '.join(names)}"
        raise ToolError(f"no source is named `{wanted}`; {ask or known_names}")
    return chosen


def select(readings: Iterable[Reading], limit: int, since: datetime, query: str) -> list[Item]:
    """The newest items, sources taking turns; undated ones come after the dated of their feed.

    Without the turns one feed with fifty entries a day would hide forty with one.
    """
    earliest = since.isoformat(timespec="seconds")
    wanted = terms(query)
    queues = []
    for reading in readings:
        fresh = (item for item in reading.items if not item.published or item.published >= earliest)
        queues.append(sorted((i for i in fresh if fits(i, wanted)), key=newest_first, reverse=True))
    chosen: list[Item] = []
    for turn in zip_longest(*queues):
        present = [item for item in turn if item is not None]
        chosen += sorted(present, key=newest_first, reverse=True)
        if len(chosen) >= limit:
            break
    return sorted(chosen[:limit], key=newest_first, reverse=True)


def newest_first(item: Item) -> str:
    return item.published or ""


def fits(item: Item, wanted: frozenset[str]) -> bool:
    return not wanted or bool(wanted & terms(f"{item.title} {item.summary}"))


def account(readings: Sequence[Reading], listed: Sources, items: int) -> dict[str, Any]:
    """The first line: how the reading went. Faults of the list count among what failed."""
    failed = [{"name": r.source.name, "error": r.error} for r in readings if r.error is not None]
    faults = [
        {"name": f"{Path(p.path).name}:{p.line}:{p.column}", "error": p.message}
        for p in listed.problems
    ]
    answered = len(readings) - len(failed)
    return {"feeds": len(readings), "answered": answered, "failed": failed + faults, "items": items}


def kept_sources(ctx: ToolContext) -> Path:
    return ctx.home.cache / "sources" / f"{ctx.agent}.yaml"
