"""One request to one address, and what comes back: headers, sizes and errors within bounds."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import httpcore
import httpx

from harness import __version__
from harness.network.address import Refused, Target
from harness.network.connection import Endpoint, Meter, link
from harness.network.inflate import OFFERED, Inflater, TooLarge
from harness.network.response import Response

USER_AGENT = f"harness/{__version__} (+feed reader)"
MAX_BYTES = 5 * 1024 * 1024
CONNECT_SECONDS = 5.0  # for each address of a host
REDIRECTS = {301, 302, 303, 307, 308}
# headers that may follow a redirect to another host; all others could be credentials
HARMLESS = {"accept", "accept-language", "if-none-match", "if-modified-since"}
USUAL = {"accept": "*/*"}
OURS = {"user-agent": USER_AGENT, "accept-encoding": OFFERED, "connection": "close"}
BROKE_OFF = ("peer closed connection", "Server disconnected")  # how httpcore begins to say it
BROKEN = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    OSError,
)


@dataclass(frozen=True)
class Call:
    """What is asked of a server."""

    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    read_body: bool = True
    max_bytes: int = MAX_BYTES
    stay: bool = False  # with the host: a redirect to another one is refused


async def exchange(
    target: Target, address: str, call: Call, tls: ssl.SSLContext, proxy: Endpoint | None
) -> Response:
    """Ask the target at one of its addresses, under the name that the URL gives it.

    Raises Refused, TooLarge, Damaged, and one of BROKEN.
    """
    scheme, place = target.url.scheme, (address, target.port)
    asked = httpcore.URL(scheme=scheme, host=address, port=target.port, target=target.url.raw_path)
    extensions = {"sni_hostname": target.host, "timeout": {"connect": CONNECT_SECONDS}}
    async with (
        link(scheme, place, tls, proxy) as way,
        way.http.stream(
            call.method,
            asked,
            headers=request_headers(target, call),
            content=call.body or None,
            extensions=extensions,
        ) as answer,
    ):
        headers = response_headers(answer.headers)
        body = await read(answer, headers, call, way.meter)
    return Response(str(target.url), answer.status, headers, body, 0.0)


def request_headers(target: Target, call: Call) -> list[tuple[bytes, bytes]]:
    """The headers of one request. Raises Refused for one that cannot be sent; what a server gave
    us for next time, as its ETag, is left out then."""
    given = {name.lower(): value for name, value in call.headers.items()}
    odd = {name for name, value in given.items() if not is_sendable(value)}
    if odd - HARMLESS:
        raise Refused(f"the header {min(odd - HARMLESS)} has a value that cannot be sent")
    host = {"host": target.url.netloc.decode("ascii")}
    kept = {name: value for name, value in given.items() if name not in odd}
    headers = host | USUAL | kept | OURS | host
    return [(name.title().encode("ascii"), text.encode("ascii")) for name, text in headers.items()]


def is_sendable(value: str) -> bool:
    return value.isascii() and value.isprintable() and value == value.strip()


def response_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers with their names in lower case; those sent twice are joined by a comma."""
    return {name.lower(): value for name, value in httpx.Headers(list(raw)).items()}


async def read(
    answer: httpcore.Response, headers: Mapping[str, str], call: Call, meter: Meter
) -> bytes:
    """The unpacked body, as much as the call wants. Raises TooLarge, Damaged."""
    if not call.read_body or call.method == "HEAD" or answer.status in {101, *REDIRECTS}:
        return b""
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > call.max_bytes:
        raise TooLarge(f"the answer is longer than {call.max_bytes // 1024} KiB")
    inflater = Inflater(headers.get("content-encoding", ""), call.max_bytes)
    async for piece in answer.aiter_stream():
        meter.given += len(piece)
        inflater.feed(piece)
    return inflater.finish()


def told(error: Exception | None) -> str:
    """What went wrong, for errors that say nothing themselves too; nothing that a server wrote
    and nothing that was sent to it, which may be a secret."""
    match error:
        case httpcore.LocalProtocolError():
            return "the request is not valid"
        case httpcore.RemoteProtocolError() if not str(error).startswith(BROKE_OFF):
            return "what it sends is not HTTP"
    return str(error) or type(error).__name__
