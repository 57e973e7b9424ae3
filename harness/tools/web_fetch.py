"""`web_fetch`: one page, as text."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from harness.network.address import parse_target
from harness.network.response import Response
from harness.permission.action import Action, Trait
from harness.text.invisible import visible
from harness.tools.article_reader import read_article
from harness.tools.context import ToolContext
from harness.tools.tool import Output, ToolError, tool

PAGES = {"text/html", "application/xhtml+xml"}
FEEDS = {"application/rss+xml", "application/atom+xml", "application/rdf+xml"}
ACCEPT = "text/html,application/xhtml+xml,text/plain;q=0.9,application/json;q=0.8,*/*;q=0.5"


def foreseen(ctx: ToolContext, action: Action, arguments: Any) -> Action:
    """Which address the call asks. Raises Refused for one that is none."""
    return replace(action, urls=(str(parse_target(arguments.url).url),))


@tool(
    timeout=45,
    max_chars=62_000,
    traits={Trait.READS_UNTRUSTED, Trait.SENDS_OUT},
    plan=foreseen,
)
async def web_fetch(
    ctx: ToolContext,
    url: Annotated[str, Field(description="An http or https address.")],
    max_chars: Annotated[
        int, Field(ge=500, le=60_000, description="Cut the text after this many characters.")
    ] = 12_000,
) -> Output:
    """Read one page: its title and main text, without menus and advertising. Plain text and JSON
    come as they are. Files such as PDFs and images cannot be read."""
    response = await ctx.web.get(url, headers={"Accept": ACCEPT}, stay=ctx.made_up(url))
    if not response.ok:
        raise ToolError(f"{response.url} answered {response.said}")
    title, text = await readable(response)
    if not text:
        raise ToolError(f"{response.url} has no readable text; it may need JavaScript")
    shown = cut(text, max_chars)
    page = f"# {title}\n\n{shown}" if title else shown
    data = {"url": response.url, "title": title, "characters": len(text), "text": shown}
    return Output(page, data, source=response.url, remark=tail(len(shown), len(text)))


async def readable(response: Response) -> tuple[str, str]:
    """Title and text of what came. Raises ToolError for what is no text or cannot be read."""
    kind = response.media_type or sniffed(response.body)
    if kind in PAGES or sniffed(response.body) == "text/html":
        article = await read_article(response.text)
        links = f"\n\n({article.links} links on the page)" if article.links else ""
        return article.title, article.text and article.text + links
    if kind in FEEDS:
        raise ToolError(f"{response.url} is a feed: read it with rss(source=<the address>)")
    if is_text(kind) and b"\x00" not in response.body[:1000]:
        return "", visible(response.text).strip()
    raise ToolError(f"{response.url} is {kind}, {len(response.body)} bytes: not a page to read")


def is_text(kind: str) -> bool:
    subtype = kind.partition("/")[2]
    textual = subtype in {"json", "xml", "javascript", "x-ndjson", "yaml", "toml"}
    return kind.startswith("text/") or textual or subtype.endswith(("+json", "+xml"))


def sniffed(body: bytes) -> str:
    """The kind of a body whose server does not say."""
    start = body[:1000].lstrip().lower()
    if start.startswith(b"%pdf-"):
        return "application/pdf"
    if b"\x00" in start:
        return "application/octet-stream"
    return "text/html" if start.startswith((b"<!doctype html", b"<html")) else "text/plain"


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, ending with a line or at least with a word."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    ends = (head.rfind(mark, limit // 2) for mark in ("\n", " "))
    return head[: next((end for end in ends if end > 0), limit)].rstrip()


def tail(shown: int, whole: int) -> str:
    if shown == whole:
        return ""
    return f"[cut: {shown} of {whole} characters; a larger max_chars shows more]"
