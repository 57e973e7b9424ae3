"""`web_search`: the Tavily service, for whoever has a key for it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from harness.network.errors import NetworkError
from harness.network.inflate import Damaged, TooLarge
from harness.permission.action import Action, Trait
from harness.text.invisible import visible
from harness.text.words import clip
from harness.tools.context import ToolContext
from harness.tools.tool import Output, ToolError, tool

if TYPE_CHECKING:
    from harness.network.web import Web

ENDPOINT = "https://api.tavily.com"
KEY_VARIABLE = "TAVILY_API_KEY"
SNIPPET = 500  # characters
SECONDS = 20  # for one search
MAX_BYTES = 1024 * 1024  # of one answer
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def foreseen(ctx: ToolContext, action: Action, arguments: Any) -> Action:
    """What leaves the house: the words of the query."""
    return replace(action, sends=arguments.query)


@tool(timeout=30, traits={Trait.READS_UNTRUSTED, Trait.SENDS_OUT}, plan=foreseen)
async def web_search(
    ctx: ToolContext,
    query: Annotated[str, Field(min_length=2, max_length=400, description="What to look for.")],
    limit: Annotated[int, Field(ge=1, le=20, description="Most results to return.")] = 8,
) -> Output:
    """Search the web. One JSON object per line: title, url, published, summary. A result is a
    lead and not a source: read the page before you cite it."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise ToolError(
            f"web search is not set up: the person can set {KEY_VARIABLE} in the environment of "
            "the daemon. Go on without it, and say so."
        )
    rows = await search(ctx.web, key, query, limit)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    return Output("\n".join(lines) or "nothing was found", rows, source="the web search")


async def search(web: Web, key: str, query: str, limit: int) -> list[dict[str, Any]]:
    """The results for `query`, best first. Raises ToolError; the key is in no message."""
    if not (key.isascii() and key.isprintable()):
        raise ToolError(f"the key in {KEY_VARIABLE} has characters in it that no key has")
    # loaded here: it takes longer to load than all other tools together
    import httpx
    from tavily import (
        AsyncTavilyClient,
        BadRequestError,
        InvalidAPIKeyError,
        UsageLimitExceededError,
    )
    from tavily.errors import ForbiddenError

    from harness.network.guarded import guarded

    try:
        async with guarded(web, max_bytes=MAX_BYTES, timeout=SECONDS) as client:
            service = AsyncTavilyClient(key, api_base_url=ENDPOINT, client=client)
            answer = await service.search(query, max_results=limit)
        return [row(result) for result in answer["results"]][:limit]
    except InvalidAPIKeyError as error:
        raise ToolError(f"the search service does not accept the key in {KEY_VARIABLE}") from error
    except (UsageLimitExceededError, ForbiddenError) as error:
        reason = "the search service refuses: the quota is used up, or the key is not allowed this"
        raise ToolError(f"{reason}. Go on without it") from error
    except BadRequestError as error:
        raise ToolError("the search service answered 400 Bad Request: ask differently") from error
    except httpx.HTTPStatusError as error:
        status = f"{error.response.status_code} {error.response.reason_phrase}"
        raise ToolError(f"the search service answered {status}") from error
    except (TooLarge, Damaged, *UNREADABLE) as error:
        raise ToolError("the search service answered with something unreadable") from error
    except NetworkError as error:
        raise ToolError(f"the search service is not reached: {error}", hint=error.hint) from error


def row(result: dict[str, Any]) -> dict[str, Any]:
    snippet = " ".join(visible(str(result.get("content") or "")).split())
    published = result.get("published_date")
    return {
        "title": visible(str(result.get("title") or "")),
        "url": visible(str(result["url"])),
        "published": None if published is None else visible(str(published)),
        "summary": clip(snippet, SNIPPET),
    }
