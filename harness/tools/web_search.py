"""`web_search`: Tavily, through the same guarded client as everything else."""

from __future__ import annotations

import json
import os
from typing import Annotated, Any

from pydantic import Field

from harness.text.invisible import visible
from harness.text.words import clip
from harness.tools.context import ToolContext
from harness.tools.tool import Output, ToolError, tool
from harness.tools.web import Web

ENDPOINT = "https://api.tavily.com/search"
KEY_VARIABLE = "TAVILY_API_KEY"
SNIPPET = 500  # characters


@tool()
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
    rows = await search(ctx.web, key, query, limit, ENDPOINT)
    return Output("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), rows)


async def search(web: Web, key: str, query: str, limit: int, endpoint: str) -> list[dict[str, Any]]:
    """The results for `query`, best first. Raises ToolError; the key is in no message."""
    wish = {"query": query, "max_results": limit, "search_depth": "basic"}
    response = await web.post(endpoint, wish, headers={"Authorization": f"Bearer {key}"})
    if response.status in {401, 403}:
        raise ToolError(f"the search service does not accept the key in {KEY_VARIABLE}")
    if response.status in {429, 432, 433}:
        raise ToolError("the search service says that the quota is used up: go on without it")
    if not response.ok:
        raise ToolError(f"the search service answered {response.said}")
    try:
        results = json.loads(response.text)["results"]
        return [row(result) for result in results][:limit]
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
