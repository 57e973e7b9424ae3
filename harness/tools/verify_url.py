"""`verify_url`: do these links answer?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from harness.network.address import Refused, parse_target
from harness.network.errors import NetworkError
from harness.network.response import Response
from harness.permission.action import Action, Trait
from harness.text.invisible import visible
from harness.text.urls import inert
from harness.tools.context import ToolContext
from harness.tools.crowd import within
from harness.tools.tool import Output, ToolError, tool

MAX_LINKS = 60
LINK_SECONDS = 10.0
TOTAL_SECONDS = 50.0


@dataclass(frozen=True)
class Verdict:
    """What became of one link."""

    url: str
    ok: bool  # the last status is 2xx
    status: int | None = None  # None: no answer
    final_url: str | None = None
    note: str = ""


def listed(value: object) -> object:
    """Small models send a list as text: one address, or a JSON list."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.lstrip().startswith("[") else value.split()
    except (ValueError, RecursionError):
        return value.split()


def foreseen(ctx: ToolContext, action: Action, arguments: Any) -> Action:
    """Which addresses the call asks; what is none is told in its verdict, and not asked."""
    return replace(action, urls=tuple(filter(is_address, (arguments.url, *arguments.urls))))


def is_address(text: str) -> bool:
    try:
        parse_target(text)
    except Refused:
        return False
    return True


@tool(
    timeout=TOTAL_SECONDS + 5,
    traits={Trait.READS_UNTRUSTED, Trait.SENDS_OUT},
    plan=foreseen,
)
async def verify_url(
    ctx: ToolContext,
    url: Annotated[str, Field(description="One address.")] = "",
    urls: Annotated[
        Sequence[str],
        BeforeValidator(listed),
        Field(max_length=MAX_LINKS, description="Several addresses; better than many calls."),
    ] = (),
) -> Output:
    """Check whether links answer. One JSON object per line, in the order given: url, ok, status,
    final_url after redirects, and a note when something is odd."""
    wanted = list(dict.fromkeys(given for given in (url, *urls) if given.strip()))
    if not wanted:
        raise ToolError("no address given: pass url, or urls for several")
    answers = await within(TOTAL_SECONDS, [verify(ctx, link) for link in wanted])
    late = f"not checked: the {TOTAL_SECONDS:g} s for all links were over"
    verdicts = [
        answer or Verdict(link, ok=False, note=late)
        for link, answer in zip(wanted, answers, strict=True)
    ]
    rows = [asdict(verdict) for verdict in verdicts]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return Output(text, rows, source="the servers that were asked")


async def verify(ctx: ToolContext, url: str) -> Verdict:
    """Ask with HEAD; a server that does not like that is asked with GET."""
    try:
        response = await ask(ctx, url, "HEAD")
        if not response.ok:
            response = await ask(ctx, url, "GET")
    except Refused as error:  # perhaps nobody was asked, and it is the model's own words
        return Verdict(inert(visible(url)), ok=False, note=inert(visible(str(error))))
    except NetworkError as error:
        return Verdict(url, ok=False, note=str(error))
    moved = response.url if response.url != url else None
    return Verdict(url, response.ok, response.status, moved or url, note_of(response, moved))


async def ask(ctx: ToolContext, url: str, method: str) -> Response:
    seconds, stay = min(LINK_SECONDS, ctx.web.timeout), ctx.made_up(url)
    return await ctx.web.get(url, method=method, timeout=seconds, read_body=False, stay=stay)


def note_of(response: Response, moved: str | None) -> str:
    if response.status in {401, 403, 429}:
        return f"{response.said}: the site turns programs away; a browser may get through"
    if not response.ok:
        return response.said
    return "redirected" if moved else ""
