"""Every tool there is, by name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.config.rules import KnownTools, Rule
from harness.tools.tool import Tool

# told apart from the tools themselves, so that checking a profile loads no HTTP client
NAMES = frozenset(
    {
        "edit",
        "glob",
        "grep",
        "learn",
        "memory",
        "read",
        "read_result",
        "request",
        "rss",
        "run",
        "shared_context",
        "skill",
        "verify_url",
        "web_fetch",
        "web_search",
        "write",
    }
)


# under these anybody can have a name: `com`, `co.uk`; `localhost` and names of a home network end
# with none of them
REGISTRIES = re.compile(
    r"(?:[a-z]{2}|com|org|net|info|biz|dev|app|io|xyz|online|site|shop|edu|gov)"
    r"|(?:com?|org|net|ac|edu|gov|gob|go|or|ne)\.[a-z]{2}"
)


def unfit(rule: Rule) -> str | None:
    """Why a rule must not stand in an allow list, or None."""
    if rule.domain is not None and REGISTRIES.fullmatch(rule.domain):
        return "it means every host there is below it; name one"
    if rule.tool != "run":
        return None
    if rule.pattern is None:
        return "it means every command there is; name the commands"
    from harness.permission.commands import check_pattern

    return check_pattern(rule.pattern)


KNOWN = KnownTools(NAMES, unfit)


def all_tools() -> Mapping[str, Tool]:
    """The tools under their names, in the order in which a model sees them."""
    from harness.tools.ask import request
    from harness.tools.edit import edit
    from harness.tools.glob import glob
    from harness.tools.grep import grep
    from harness.tools.learn import learn
    from harness.tools.memory import memory
    from harness.tools.read import read
    from harness.tools.read_result import read_result
    from harness.tools.rss import rss
    from harness.tools.run import run
    from harness.tools.shared_context import shared_context
    from harness.tools.skill import skill
    from harness.tools.verify_url import verify_url
    from harness.tools.web_fetch import web_fetch
    from harness.tools.web_search import web_search
    from harness.tools.write import write

    tools = (
        rss,
        web_fetch,
        web_search,
        verify_url,
        shared_context,
        memory,
        learn,
        request,
        read,
        glob,
        grep,
        write,
        edit,
        run,
        skill,
        read_result,
    )
    return {tool.name: tool for tool in tools}
