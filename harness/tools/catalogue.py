"""Every tool there is, by name."""

from __future__ import annotations

from collections.abc import Mapping

from harness.tools.tool import Tool

# told apart from the tools themselves, so that checking a profile loads no HTTP client
NAMES = frozenset(
    {
        "learn",
        "memory",
        "read_result",
        "request",
        "rss",
        "shared_context",
        "skill",
        "verify_url",
        "web_fetch",
        "web_search",
    }
)


def all_tools() -> Mapping[str, Tool]:
    """The tools under their names, in the order in which a model sees them."""
    from harness.tools.ask import request
    from harness.tools.learn import learn
    from harness.tools.memory import memory
    from harness.tools.read_result import read_result
    from harness.tools.rss import rss
    from harness.tools.shared_context import shared_context
    from harness.tools.skill import skill
    from harness.tools.verify_url import verify_url
    from harness.tools.web_fetch import web_fetch
    from harness.tools.web_search import web_search

    tools = (
        rss,
        web_fetch,
        web_search,
        verify_url,
        shared_context,
        memory,
        learn,
        request,
        skill,
        read_result,
    )
    return {tool.name: tool for tool in tools}
