"""A web of feeds and articles on loopback: `python -m tests.doubles.feed_server --port 9000`.

It serves every dialect and most kinds of damage (feed_routes.py), obeys conditional requests,
and remembers what it was asked. The dates in its feeds are relative to the `now` it is given.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Self

from tests.doubles.feed_routes import ROUTES, SLOW, SOURCES, Route, entry

FOLDER = Path(__file__).parent / "feeds"
STORIES: dict[str, dict[str, str]] = json.loads((FOLDER / "stories.json").read_text("utf-8"))
_DATE = re.compile(r"\{\{([+-]\d+)h (\w+)\}\}")
_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes = b""


@dataclass
class Answer:
    """What goes back."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class FeedServer:
    """`async with FeedServer(now=clock.now()) as server:`"""

    def __init__(
        self,
        *,
        now: datetime = datetime(2026, 1, 5, 9, 0, tzinfo=UTC),
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.now = now
        self.port = port
        self.tls = tls
        self.asked: list[Asked] = []
        self.connections = 0  # opened so far
        self.busiest = 0  # most connections that were open at once
        self.changed: dict[str, bytes] = {}  # bodies that replace those of a path
        self.statuses: dict[str, int] = {}  # statuses that replace those of a path
        self._server: asyncio.Server | None = None
        self._visits: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self.port, ssl=self.tls
        )
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for visit in list(self._visits):
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)

    @property
    def authority(self) -> str:
        """`host:port`, as network.allow wants it."""
        return f"127.0.0.1:{self.port}"

    @property
    def base(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    def url(self, path: str) -> str:
        return self.base + path

    def sources(self, *, healthy: bool = False, slow: bool = False) -> list[dict[str, Any]]:
        """Entries for sources.yaml: every feed that answers at once, or only those with items,
        or those that never answer too."""
        routes = (*SOURCES, *SLOW) if slow else SOURCES
        return [entry(route, self.base) for route in routes if route.items or not healthy]

    def seen(self, path: str) -> list[Asked]:
        """The requests for a path, in order."""
        return [asked for asked in self.asked if asked.path == path]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._visits.add(task)
        self.connections += 1
        self.busiest = max(self.busiest, len(self._visits))
        try:
            while await self._visit(reader, writer):
                pass  # a client may ask again on the same connection
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client or the test is done with it
        finally:
            self._visits.discard(task)
            writer.close()

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection may be used again."""
        asked = await receive(reader)
        self.asked.append(asked)
        route = ROUTES.get(asked.path.partition("?")[0])
        if route is not None and route.delay:
            await asyncio.sleep(route.delay)
        answer = self._answer(asked, route)
        writer.write(head(answer, 100 if route is not None and route.cut else 0))
        if asked.method != "HEAD":
            stalls = route is not None and route.stall
            writer.write(answer.body[: len(answer.body) // 2] if stalls else answer.body)
            await writer.drain()
            if stalls:
                await asyncio.sleep(3600)
        await writer.drain()
        return route is None or not route.cut

    def _answer(self, asked: Asked, route: Route | None) -> Answer:
        path = asked.path.partition("?")[0]
        if path in self.statuses:
            return Answer(self.statuses[path])
        if route is not None:
            return self._feed(asked, route)
        match path.strip("/").split("/"):
            case ["articles", slug]:
                return article(slug)
            case ["status", code]:
                return Answer(int(code))
            case ["head", code]:  # an answer that HEAD does not get
                return Answer(int(code) if asked.method == "HEAD" else 200)
            case ["hops", count] if count != "0":
                return Answer(302, {"Location": f"/hops/{int(count) - 1}"})
            case ["hops" | "echo", *_]:
                return echo(asked)
            case ["cookie"]:
                return Answer(200, {"Set-Cookie": "session=secret; Path=/"}, b"have a cookie")
            case ["search"]:
                return search(asked)
        return Answer(404, {"Content-Type": "text/plain"}, b"not here")

    def _feed(self, asked: Asked, route: Route) -> Answer:
        if route.to:
            location = route.to.replace("{base}", self.base).replace("{port}", str(self.port))
            return Answer(route.status, {"Location": location})
        body = self._body(route)
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {"ETag": tag, "Last-Modified": http_date(self.now - timedelta(hours=1))}
        headers |= {"Content-Type": route.type} if route.type else {}
        headers |= {"Content-Encoding": route.packed_as} if route.packed_as else {}
        if asked.headers.get("if-none-match") == tag:
            return Answer(304, {"ETag": tag})
        return Answer(route.status, headers, route.pack(body) if route.pack else body)

    def _body(self, route: Route) -> bytes:
        if route.path in self.changed:
            return self.changed[route.path]
        if route.make:
            return route.mark + route.make()
        made = (FOLDER / route.file).read_bytes() if route.file else b""
        if b"{{" not in made:
            return route.mark + made
        text = made.decode().replace("{{base}}", self.base)
        dated = _DATE.sub(lambda match: date(self.now, int(match[1]), match[2]), text)
        return route.mark + dated.encode(route.encode, errors="xmlcharrefreplace")


async def receive(reader: asyncio.StreamReader) -> Asked:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = lines[0].split(" ", 2)
    pairs = (line.partition(":") for line in lines[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, path, headers, body)


def head(answer: Answer, more: int) -> bytes:
    """The head of an answer; `more` is by how many bytes it lies about the length."""
    length = len(answer.body) + more
    headers = {"Content-Length": str(length)} | answer.headers
    lines = [f"HTTP/1.1 {answer.status} Status", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def article(slug: str) -> Answer:
    story = STORIES.get(slug)
    if story is None:
        return Answer(404, {"Content-Type": "text/html"}, b"<h1>Not found</h1>")
    page = (FOLDER / "article.html").read_text("utf-8")
    text = page.replace("{{title}}", story["title"]).replace("{{summary}}", story["summary"])
    return Answer(200, {"Content-Type": "text/html; charset=utf-8"}, text.encode())


def echo(asked: Asked) -> Answer:
    told = {"method": asked.method, "path": asked.path, "headers": asked.headers}
    return Answer(200, {"Content-Type": "application/json"}, json.dumps(told).encode())


def search(asked: Asked) -> Answer:
    """The shape of a search service's answer."""
    if asked.headers.get("authorization") != "Bearer right-key":
        return Answer(401)
    wish = json.loads(asked.body)
    result = {"title": "A page", "url": "http://a.test/", "content": wish["query"], "score": 0.9}
    return Answer(
        200, {"Content-Type": "application/json"}, json.dumps({"results": [result]}).encode()
    )


def http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def date(now: datetime, hours: int, form: str) -> str:
    moment = (now + timedelta(hours=hours)).astimezone(UTC)
    eastern = moment - timedelta(hours=5)
    forms = {
        "rfc822": format_datetime(moment),
        "rfc822est": f"{eastern:%a, %d %b %Y %H:%M:%S} EST",
        "rfc822short": f"{moment:%d %b %y %H:%M} GMT",
        "iso": moment.isoformat(timespec="seconds"),
        "isoz": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "isospace": f"{moment:%Y-%m-%d %H:%M:%S}",
        "unix": str(int(moment.timestamp())),
    }
    return forms[form]


async def serve(port: int) -> None:
    """Run until cancelled; the dates in the feeds move on once a day."""
    async with FeedServer(now=datetime.now(UTC), port=port) as server:
        print(f"feeds at {server.base}; allow `{server.authority}`; a sources.yaml for them:")
        for source in server.sources(slow=True):
            print(f"- {json.dumps(source, ensure_ascii=False)}")
        while True:
            await asyncio.sleep(_DAY_SECONDS)
            server.now = datetime.now(UTC)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9000)
    given = parser.parse_args(arguments)
    try:
        asyncio.run(serve(given.port))
    except KeyboardInterrupt:
        print("bye")


if __name__ == "__main__":
    main()
