"""One address that speaks OpenAI's protocol, and the connections to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import httpx

from harness.clock import Clock
from harness.models.bounds import LONGEST_ERROR, LONGEST_LINE, TooMuch, beginning
from harness.models.openai.errors import Site
from harness.models.openai.key import Key
from harness.models.openai.sse import Event, NotTheProtocol, events
from harness.models.port import ModelError

CONNECT_SECONDS = 10.0
PROBE_SECONDS = 3.0
IDLE_SECONDS = 2.0  # of a connection: some servers hang up after five, just as the next call comes
KNOWN_SECONDS = 60.0  # how long it is believed what a probe found
TROUBLE = (httpx.HTTPError, httpx.InvalidURL, NotTheProtocol, TooMuch, UnicodeError)


class Endpoint:
    """Talks to `base_url` and to nothing else: no redirects, no cookies, no proxy but `proxy`,
    which is `http://host:port`. Connections open with the first use."""

    def __init__(self, base_url: str, key: Key, clock: Clock, proxy: str | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self.key = key
        self.host = urlsplit(self.base_url).netloc
        self._clock = clock
        self.proxy = proxy
        self._client: httpx.AsyncClient | None = None
        self._looking = asyncio.Lock()
        self._found: tuple[float, str | None] | None = None  # when, and what a probe found

    async def chat(self, body: Mapping[str, Any]) -> AsyncGenerator[Event | None, None]:
        """The events of a streamed answer; None is the last word. Raises ModelError.

        There is no time limit in here: the caller cancels, and that closes the connection.
        """
        site = self._site(str(body["model"]))
        try:
            async with self._open().stream(
                "POST",
                f"{self.base_url}/chat/completions",
                json=body,
                headers={"Accept": "text/event-stream", **self.key.headers()},
            ) as response:
                if response.status_code != 200:
                    said = await beginning(response, LONGEST_ERROR)
                    raise site.answered(response.status_code, said, response.headers)
                async with aclosing(events(as_stream(response))) as found:
                    async for event in found:
                        yield event
        except TROUBLE as error:
            raise site.unreachable(error) from error

    async def probe(self) -> str | None:
        """None when it can be asked, else the reason why not; within three seconds.

        Asks `/models`, no more than once a minute; a server without that route is there as well.
        """
        async with self._looking:
            now = self._clock.monotonic()
            if self._found is None or now - self._found[0] >= KNOWN_SECONDS:
                self._found = (now, await self._look())
            return self._found[1]

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _look(self) -> str | None:
        site = self._site("/models")
        try:
            async with (
                asyncio.timeout(PROBE_SECONDS),
                self._open().stream(
                    "GET", f"{self.base_url}/models", headers=self.key.headers()
                ) as response,
            ):
                if response.status_code < 300 or response.status_code in (404, 405, 501):
                    return None
                said = await beginning(response, LONGEST_ERROR)
                raise site.answered(response.status_code, said, response.headers)
        except TimeoutError:
            return f"{self.base_url} does not answer within {PROBE_SECONDS:g} s"
        except TROUBLE as error:
            return str(site.unreachable(error))
        except ModelError as error:
            return f"{error} ({error.hint})" if error.hint else str(error)

    def _site(self, model: str) -> Site:
        return Site(self.base_url, model, self.key)

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
                limits=httpx.Limits(
                    max_connections=None,
                    max_keepalive_connections=8,
                    keepalive_expiry=IDLE_SECONDS,
                ),
                headers={"Accept-Encoding": "identity"},  # nothing unfolds in our memory
                proxy=self.proxy,
                verify=self.base_url.startswith("https:"),  # the certificates take long to read
                trust_env=False,
                follow_redirects=False,
            )
        return self._client


async def as_stream(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body as a stream of events, also where the server sent its answer as one object."""
    if response.headers.get("content-type", "").startswith("application/json"):
        whole = await beginning(response, LONGEST_LINE)
        yield b"data: " + whole.replace(b"\n", b" ").replace(b"\r", b" ")
        return
    async for chunk in response.aiter_bytes():
        yield chunk
