"""The rules of `Web` under the client of somebody else's library."""

from __future__ import annotations

import httpx

from harness.network.exchange import Call
from harness.network.web import Web

# of the library's client; `Web` and the connection have their own
LEFT_OUT = {"host", "connection", "accept-encoding", "content-length", "user-agent"}
UNPACKED = {"content-encoding", "content-length", "transfer-encoding"}  # and no longer so


class Guarded(httpx.AsyncBaseTransport):
    """A transport for httpx: addresses judged and pinned, sizes and times capped.

    A redirect of a POST comes back as the answer. What `Web` raises goes through the library.
    """

    def __init__(self, web: Web, *, max_bytes: int, timeout: float) -> None:
        """`timeout` is seconds for one request."""
        self.web = web
        self.max_bytes = max_bytes
        self.timeout = timeout

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = Call(
            request.method,
            {name: value for name, value in request.headers.items() if name not in LEFT_OUT},
            await request.aread(),
            max_bytes=self.max_bytes,
        )
        answer = await self.web.send(str(request.url), call, self.timeout)
        headers = {name: text for name, text in answer.headers.items() if name not in UNPACKED}
        return httpx.Response(answer.status, headers=headers, content=answer.body, request=request)


def guarded(web: Web, *, max_bytes: int, timeout: float) -> httpx.AsyncClient:
    """A client to hand to a library: nothing from the environment, no redirects."""
    return httpx.AsyncClient(
        transport=Guarded(web, max_bytes=max_bytes, timeout=timeout),
        trust_env=False,
        follow_redirects=False,
    )
