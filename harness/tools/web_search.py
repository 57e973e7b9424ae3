"""`web_search`: the Tavily service, for whoever has a key for it."""

from __future__ import annotations

import json
import os
from typing import Annotated, Any

from pydantic import Field

from harness.text.invisible import visible
from harness.text.words import clip
from harness.tools.context import ToolContext
from harness.tools.tool import Output, ToolError, tool

ENDPOINT = "https://api.tavily.com"
KEY_VARIABLE = "TAVILY_API_KEY"
SNIPPET = 500  # characters
SECONDS = 20  # for one search


@tool(timeout=30)
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
    rows = await search(key, query, limit)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    return Output("\n".join(lines) or "nothing was found", rows)


async def search(key: str, query: str, limit: int) -> list[dict[str, Any]]:
    """The results for `query`, best first. Raises ToolError; the key is in no message."""
    # loaded here: it takes longer to load than all other tools together
    import httpx
    from tavily import (
        AsyncTavilyClient,
        BadRequestError,
        InvalidAPIKeyError,
        UsageLimitExceededError,
    )
    from tavily.errors import ForbiddenError
    from tavily.errors import TimeoutError as TookTooLong

    try:
        async with AsyncTavilyClient(key, api_base_url=ENDPOINT) as client:
            answer = await client.search(query, max_results=limit, timeout=SECONDS)
        return [row(result) for result in answer["results"]][:limit]
    except InvalidAPIKeyError as error:
        raise ToolError(f"the search service does not accept the key in {KEY_VARIABLE}") from error
    except (UsageLimitExceededError, ForbiddenError) as error:
        reason = "the search service refuses: the quota is used up, or the key is not allowed this"
        raise ToolError(f"{reason}. Go on without it") from error
    except TookTooLong as error:
        raise ToolError(f"the search service did not answer within {SECONDS} s") from error
    except BadRequestError as error:
        raise ToolError("the search service answered 400 Bad Request: ask differently") from error
    except httpx.HTTPStatusError as error:
        status = f"{error.response.status_code} {error.response.reason_phrase}"
        raise ToolError(f"the search service answered {status}") from error
    except httpx.HTTPError as error:
        raise ToolError(f"the search service is not reached: {type(error).__name__}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ToolError("the search service answered with something unreadable") from error


def row(result: dict[str, Any]) -> dict[str, Any]:
    snippet = " ".join(visible(str(result.get("content") or "")).split())
    return {
        "title": visible(str(result.get("title") or "")),
        "url": str(result["url"]),
        "published": result.get("published_date"),
        "summary": clip(snippet, SNIPPET),
    }
