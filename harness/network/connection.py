"""A connection for one request and one address: straight, or through the proxy of the settings.

No connection is kept: it would be known by its address, and two hosts may share one, so that a
request could leave on a connection whose certificate was checked for the other host.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpcore

from harness.network.inflate import Damaged

Endpoint = tuple[str, int]

SLACK = 192 * 1024  # bytes of heads and framing, and of what was read ahead
MAX_PROXY_HEAD = 16 * 1024  # bytes
HEAD_END = b"\r\n\r\n"
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})[ \r]")


@dataclass
class Meter:
    """What came in over the wire, against the content that was in it.

    A thousand answers `100 Continue` before the real one, or a body in chunks of one byte each,
    would be read for as long as the time limit allows.
    """

    taken: int = 0  # bytes
    given: int = 0  # bytes of content

    def take(self, size: int) -> None:
        """Raises Damaged when there is little in so much."""
        self.taken += size
        if self.taken - self.given > SLACK + self.given // 4:
            raise Damaged("the answer is all wrapping and no content")


@dataclass
class Link:
    """A connection that is not open yet, with its meter."""

    http: httpcore.AsyncHTTPConnection
    meter: Meter


@asynccontextmanager
async def link(
    scheme: str, place: Endpoint, tls: ssl.SSLContext, proxy: Endpoint | None
) -> AsyncIterator[Link]:
    """A connection to one IP address, closed at the end. A request on it raises httpcore's
    errors: ConnectError when another address may be tried, ProxyError when that is idle."""
    origin = httpcore.Origin(scheme.encode(), place[0].encode(), place[1])
    wire = Wire(proxy, Meter())
    try:
        yield Link(httpcore.AsyncHTTPConnection(origin, tls, network_backend=wire), wire.meter)
    finally:
        await wire.aclose()


class Wire(httpcore.AsyncNetworkBackend):
    """What httpcore connects with. It closes what it opened, however the request ended."""

    def __init__(self, proxy: Endpoint | None, meter: Meter) -> None:
        self.proxy = proxy
        self.meter = meter
        self.opened: list[httpcore.AsyncNetworkStream] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        if self.proxy is None:
            return Counted(await self._open((host, port), timeout), self.meter)
        try:
            return Counted(await self._through(self.proxy, (host, port), timeout), self.meter)
        except httpcore.ProxyError as error:
            name = authority(self.proxy)
            raise httpcore.ProxyError(f"the proxy {name} {error}") from error

    async def _through(
        self, proxy: Endpoint, place: Endpoint, timeout: float | None
    ) -> httpcore.AsyncNetworkStream:
        try:
            stream = await self._open(proxy, timeout)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise httpcore.ProxyError("is not reached") from error
        await tunnel(stream, authority(place))
        return stream

    async def aclose(self) -> None:
        for stream in self.opened:
            await stream.aclose()

    async def _open(self, place: Endpoint, timeout: float | None) -> httpcore.AsyncNetworkStream:
        stream = await httpcore.AnyIOBackend().connect_tcp(*place, timeout=timeout)
        self.opened.append(stream)
        return stream


class Counted(httpcore.AsyncNetworkStream):
    """A stream whose incoming bytes are counted, after decryption."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, meter: Meter) -> None:
        self.stream = stream
        self.meter = meter

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        piece = await self.stream.read(max_bytes, timeout)
        self.meter.take(len(piece))
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self.stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self.stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        stream = await self.stream.start_tls(ssl_context, server_hostname, timeout)
        return Counted(stream, self.meter)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


def authority(place: Endpoint) -> str:
    """A host and a port as one text."""
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def tunnel(stream: httpcore.AsyncNetworkStream, place: str) -> None:
    """Have the proxy connect to an IP address and port. Raises ConnectError, ProxyError.

    Plain http goes through a tunnel too: asked in the absolute form, a proxy would put the address
    in the place of the Host header (RFC 9112, 3.2.2), and the server would not know whom we mean.
    """
    await stream.write(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
    head = await proxy_head(stream)
    status = _STATUS.match(head)
    if status is None:
        raise httpcore.ProxyError("does not speak HTTP")
    said = status[1].decode()
    if said.startswith("5"):
        raise httpcore.ConnectError(f"the proxy answers {said}")
    if not said.startswith("2"):
        raise httpcore.ProxyError(f"does not connect to {place}: it answers {said}")
    if not head.endswith(HEAD_END):
        raise httpcore.ProxyError("says more than it was asked")


async def proxy_head(stream: httpcore.AsyncNetworkStream) -> bytes:
    """What the proxy says first, at least to the end of its head."""
    head = b""
    while HEAD_END not in head:
        piece = await stream.read(4096)
        head += piece
        if not piece or len(head) > MAX_PROXY_HEAD:
            raise httpcore.ProxyError("breaks off")
    return head
