"""The outside as the attacker has it: a web server, a name server, and a record of all they hear.

The client of the house reaches public addresses through a proxy on loopback, so every place that
it wants to connect with shows there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from harness.clock import Clock
from harness.network.politeness import Politeness
from harness.network.web import Web
from tests.adversary.case import Case, Page
from tests.adversary.obedient import in_pieces
from tests.doubles.dns import DnsServer, StubResolver
from tests.doubles.feed_server import receive
from tests.doubles.proxy import Proxy
from tests.tools.conftest import TRUSTS_NOBODY

PUBLIC = ("93.184.216.34", "1.1.1.1")  # the stranger's; everything else is none of his business
HIS = (".evil.test", ".other.test", ".evil.example", ".public.test")


class Zone(dict[str, Sequence[Sequence[str] | None]]):
    """His names, each with anything below it."""

    def get(self, name: str, default: Any = None) -> Any:
        his = f".{name}".endswith(HIS)
        return super().get(name, [[PUBLIC[0]]] if his else default)


@dataclass
class Stranger:
    """What he serves, and what he has heard."""

    case: Case
    dns: DnsServer
    proxy: Proxy
    heard: list[str] = field(default_factory=list)  # whole requests

    @property
    def asked_names(self) -> list[str]:
        return [name for name, _ in self.dns.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await receive(reader)
            headers = "".join(f"{name}: {value}\n" for name, value in asked.headers.items())
            body = asked.body.decode("utf-8", "replace")
            self.heard.append(f"{asked.method} {asked.path}\n{headers}\n{body}")
            writer.write(self.answer(asked.path, asked.headers.get("host", "")))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has seen enough
        finally:
            writer.close()

    def answer(self, path: str, host: str) -> bytes:
        page = self.case.page(f"{host}{path}") or self.case.page(path) or Page(status=404)
        head = [f"HTTP/1.1 {page.status} {page.reason}", f"Content-Type: {page.type}"]
        if page.to:
            head = ["HTTP/1.1 302 Found", f"Location: {page.to}"]
        body = in_pieces(page.body).encode()
        head += [f"Content-Length: {len(body)}", "Connection: close"]
        return ("\r\n".join(head) + "\r\n\r\n").encode("utf-8") + body


@asynccontextmanager
async def abroad(case: Case, clock: Clock) -> AsyncIterator[tuple[Stranger, Web]]:
    """The stranger at his post, and the client with which the house goes out."""
    zone = Zone(case.names)
    async with DnsServer(zone) as dns, Proxy() as proxy:
        stranger = Stranger(case, dns, proxy)
        server = await asyncio.start_server(stranger.serve, "127.0.0.1", 0)
        port = int(server.sockets[0].getsockname()[1])
        proxy.table |= dict.fromkeys((f"{address}:80" for address in PUBLIC), port)
        client = Web(
            clock,
            proxy=proxy.url,
            resolve=StubResolver(dns.port),
            politeness=Politeness(clock, at_once=100, gap=0),
            timeout=5,
            verify=TRUSTS_NOBODY,
        )
        try:
            async with client:
                yield stranger, client
        finally:
            server.close()
