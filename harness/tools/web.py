"""The one HTTP client for addresses that a model, a feed or a page may name.

Whoever controls an address must not be able to make the house talk to its own network: a name
is resolved once, all its addresses are judged (address.py), and the connection goes to that
very address, so a second answer of the name server changes nothing. Redirects are followed by
hand and judged anew. Sizes are counted after unpacking, and everything has an end in time.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import Self

import httpx

from harness import __version__
from harness.clock import Clock
from harness.tools.address import Refused, Target, check, is_literal, parse_allowed, parse_target
from harness.tools.inflate import OFFERED, Inflater, TooLarge
from harness.tools.politeness import Politeness
from harness.tools.response import Response
from harness.tools.tool import ToolError

USER_AGENT = f"harness/{__version__} (+feed reader)"
MAX_BYTES = 5 * 1024 * 1024
MAX_REDIRECTS = 5
CONNECT_SECONDS = 5.0  # for each address of a host
REDIRECTS = {301, 302, 303, 307, 308}
# headers that may follow a redirect to another host; all others could be credentials
HARMLESS = {"accept", "accept-language", "if-none-match", "if-modified-since", "user-agent"}

Resolver = Callable[[str, int], Awaitable[list[str]]]  # host and port in, IP addresses out


class Unreachable(ToolError):
    """No answer came: unknown host, no connection, broken off, or too slow."""


@dataclass(frozen=True)
class Call:
    """What is asked of a server."""

    method: str
    headers: Mapping[str, str] = field(default_factory=dict)
    read_body: bool = True
    max_bytes: int = MAX_BYTES


class Web:
    """Fetches public addresses, and those private ones that `allow` names as `host:port`."""

    def __init__(
        self,
        clock: Clock,
        *,
        allow: Iterable[str] = (),
        resolve: Resolver | None = None,
        politeness: Politeness | None = None,
        timeout: float = 20.0,
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        """`timeout` is seconds for one fetch with its redirects, waiting for a turn at a busy
        host not included. Raises ValueError for a bad entry of `allow`."""
        self.clock = clock
        self.allowed = parse_allowed(allow)
        self.resolve = resolve or SystemResolver()
        self.politeness = politeness or Politeness(clock)
        self.timeout = timeout
        self.client = client(verify)

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = MAX_BYTES,
        timeout: float | None = None,
        method: str = "GET",
        read_body: bool = True,
    ) -> Response:
        """The answer at `url`, after at most five redirects, whatever its status.

        Raises Refused, Unreachable, TooLarge, Damaged: all of them texts for the model.
        """
        call = Call(method, headers or {}, read_body=read_body, max_bytes=max_bytes)
        return await self._fetch(url, call, self.timeout if timeout is None else timeout)

    async def aclose(self) -> None:
        await self.client.aclose()
        if isinstance(self.resolve, SystemResolver):
            self.resolve.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _fetch(self, url: str, call: Call, timeout: float) -> Response:
        started = self.clock.monotonic()
        target = parse_target(url)
        left = timeout
        for _ in range(MAX_REDIRECTS + 1):
            async with self.politeness.turn(target.host):
                answer, spent = await self._visit(target, call, left, timeout)
            left -= spent
            onward = redirect(target, call, answer)
            if onward is None:
                return replace(answer, elapsed=self.clock.monotonic() - started)
            call = carried_over(call, target, onward)
            target = onward
        raise Unreachable(f"{url} redirects more than {MAX_REDIRECTS} times")

    async def _visit(
        self, target: Target, call: Call, left: float, timeout: float
    ) -> tuple[Response, float]:
        """One answer, and the seconds it took of those `left`."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(max(left, 0)):
                answer = await self._ask(target, await self._addresses(target), call)
        except TimeoutError as error:
            raise Unreachable(f"{target.host} did not answer within {timeout:g} s") from error
        except httpx.HTTPError as error:
            raise Unreachable(f"{target.host} broke off: {told(error)}") from error
        return answer, loop.time() - started

    async def _addresses(self, target: Target) -> list[str]:
        """Every address of the target, each one judged. Raises Refused, Unreachable."""
        try:
            literal = is_literal(target.host)
            found = [target.host] if literal else await self.resolve(target.host, target.port)
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"the host {target.host} is not found") from error
        if not found:
            raise Unreachable(f"the host {target.host} has no address")
        check(target, found, self.allowed)
        return found

    async def _ask(self, target: Target, addresses: list[str], call: Call) -> Response:
        """The answer of the first address that lets us connect."""
        failure: httpx.HTTPError | None = None
        for address in addresses:
            try:
                return await self._exchange(target, address, call)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise Unreachable(f"no connection to {target.host}: {told(failure)}") from failure

    async def _exchange(self, target: Target, address: str, call: Call) -> Response:
        """One request to one address, under the name that the URL gives it."""
        name = target.url.raw_host.decode("ascii")
        request = self.client.build_request(
            call.method,
            target.url.copy_with(host=address),
            headers={**call.headers, "Host": target.url.netloc.decode("ascii")},
            extensions={"sni_hostname": name},
        )
        response = await self.client.send(request, stream=True)
        try:
            body = await read(response, call)
        finally:
            await response.aclose()
        headers = {key.lower(): value for key, value in response.headers.items()}
        return Response(str(target.url), response.status_code, headers, body, 0.0)


class SystemResolver:
    """The machine's own, on threads of its own: a slow name server stops nothing else."""

    def __init__(self, threads: int = 16) -> None:
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="resolver")

    async def __call__(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self.pool, self._look_up, host, port)
        return list(dict.fromkeys(found))

    def close(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)

    @staticmethod
    def _look_up(host: str, port: int) -> list[str]:
        return [
            str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        ]


def client(verify: ssl.SSLContext | bool) -> httpx.AsyncClient:
    """httpx without what it does unasked: proxies and secrets of the environment, cookies,
    redirects, and connections kept open."""
    # kept connections are known by their address, and two hosts may share one: a request
    # could leave on a connection whose certificate was checked for the other host
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=0)
    made = httpx.AsyncClient(
        verify=verify,
        trust_env=False,
        follow_redirects=False,
        limits=limits,
        timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": OFFERED, "Accept": "*/*"},
    )
    made.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return made


async def read(response: httpx.Response, call: Call) -> bytes:
    """The unpacked body, as much as the call wants. Raises TooLarge, Damaged."""
    if not call.read_body or call.method == "HEAD" or response.status_code in REDIRECTS:
        return b""
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > call.max_bytes:
        raise TooLarge(f"the answer is longer than {call.max_bytes // 1024} KiB")
    inflater = Inflater(response.headers.get("content-encoding", ""), call.max_bytes)
    async for piece in response.aiter_raw():
        inflater.feed(piece)
    return inflater.finish()


def redirect(target: Target, call: Call, answer: Response) -> Target | None:
    """Where the answer leads on to, or None when it is the last. Raises Refused."""
    location = answer.headers.get("location")
    if answer.status not in REDIRECTS or not location or call.method not in {"GET", "HEAD"}:
        return None
    try:
        joined = str(target.url.join(location))
    except (httpx.InvalidURL, ValueError) as error:
        raise Refused(f"{target.host} redirects to what is no address: {location!r}") from error
    return parse_target(joined)


def carried_over(call: Call, before: Target, after: Target) -> Call:
    """The same call for the next hop; on another origin, without anything secret."""
    origins = [(t.url.scheme, t.host, t.port) for t in (before, after)]
    if origins[0] == origins[1]:
        return call
    kept = {name: value for name, value in call.headers.items() if name.lower() in HARMLESS}
    return replace(call, headers=kept)


def told(error: Exception | None) -> str:
    """What went wrong, for errors that say nothing themselves too."""
    return str(error) or type(error).__name__
