"""The one HTTP client for addresses that a model, a feed or a page may name.

Whoever controls an address must not be able to make the house talk to its own network: a name
is resolved once, all its addresses are judged (address.py), and the connection goes to that
very address, so a second answer of the name server changes nothing. Redirects are followed by
hand and judged anew. Sizes are counted after unpacking, and everything has an end in time.
Nothing comes from the environment: no proxy, no password file, no certificates; and no cookies.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self

import httpcore
import httpx

from harness.clock import Clock
from harness.config.proxy import parse_proxy
from harness.network.address import (
    Refused,
    Target,
    check,
    is_literal,
    parse_allowed,
    parse_target,
    shortened,
)
from harness.network.connection import Endpoint
from harness.network.errors import NetworkError
from harness.network.exchange import BROKEN, HARMLESS, MAX_BYTES, REDIRECTS, Call, exchange, told
from harness.network.politeness import Politeness
from harness.network.resolver import Resolver, SystemResolver
from harness.network.response import Response

MAX_REDIRECTS = 5
MAX_CONNECTIONS = 100  # at once
MAX_ADDRESSES = 8  # of a host that are tried, one after the other
PROXY_HINT = (
    "the person can change network.proxy, or have the proxy allow CONNECT to IP addresses on the"
    " ports 80 and 443"
)


class Unreachable(NetworkError):
    """No answer came: unknown host, no connection, broken off, or too slow."""


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
        verify: ssl.SSLContext | None = None,
        proxy: str | None = None,
    ) -> None:
        """`timeout` is seconds for one fetch with its redirects, waiting for a turn at a busy
        host not included. `proxy` is `http://host:port`, for all but what `allow` opens.
        Raises ValueError for a bad entry of `allow` and for a bad proxy."""
        self.clock = clock
        self.apply(allow, proxy)
        self.resolve = resolve or SystemResolver()
        self.politeness = politeness or Politeness(clock)
        self.timeout = timeout
        self.tls = verify or httpx.create_ssl_context(trust_env=False)
        self._places = asyncio.Semaphore(MAX_CONNECTIONS)

    def apply(self, allow: Iterable[str], proxy: str | None) -> None:
        """Go by these settings from the next request on. Raises ValueError, and changes nothing."""
        allowed = parse_allowed(allow)
        self.proxy = None if proxy is None else parse_proxy(proxy)
        self.allowed = allowed

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = MAX_BYTES,
        timeout: float | None = None,
        method: str = "GET",
        read_body: bool = True,
        stay: bool = False,
    ) -> Response:
        """The answer at `url`, after at most five redirects, whatever its status; with `stay`
        none of them may lead to another host.

        Raises Refused, Unreachable, TooLarge, Damaged: all of them texts for the model.
        """
        call = Call(method, headers or {}, read_body=read_body, max_bytes=max_bytes, stay=stay)
        return await self.send(url, call, timeout)

    async def send(self, url: str, call: Call, timeout: float | None = None) -> Response:
        """What `get` does, for any call; a redirect of one that is no GET is its answer."""
        return await self._fetch(url, call, self.timeout if timeout is None else timeout)

    async def aclose(self) -> None:
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
            async with asyncio.timeout(max(left, 0)), self._places:
                answer = await self._ask(target, await self._addresses(target), call)
        except TimeoutError as error:
            raise Unreachable(f"{target.host} did not answer within {timeout:g} s") from error
        except httpcore.ProxyError as error:
            raise Unreachable(f"no way to {target.host}: {error}", hint=PROXY_HINT) from error
        except BROKEN as error:
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
        failure: Exception | None = None
        for address in addresses[:MAX_ADDRESSES]:
            try:
                proxy = self._proxy_for(target, address)
                return await exchange(target, address, call, self.tls, proxy)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise Unreachable(f"no connection to {target.host}: {told(failure)}") from failure

    def _proxy_for(self, target: Target, address: str) -> Endpoint | None:
        """What the settings open is near: to the proxy, 127.0.0.1 would be another machine."""
        near = {(target.host, target.port), (address, target.port)} & self.allowed
        return None if near else self.proxy


def redirect(target: Target, call: Call, answer: Response) -> Target | None:
    """Where the answer leads on to, or None when it is the last. Raises Refused."""
    location = answer.headers.get("location")
    if answer.status not in REDIRECTS or not location or call.method not in {"GET", "HEAD"}:
        return None
    try:
        joined = str(target.url.join(location))
    except (httpx.InvalidURL, ValueError) as error:
        where = shortened(location)
        raise Refused(f"{target.host} redirects to what is no address: {where}") from error
    onward = parse_target(joined)
    if call.stay and bare(onward.host) != bare(target.host):
        raise Refused(
            f"{target.host} redirects to {onward.host}, and this address was trusted for its host"
        )
    if (target.url.scheme, onward.url.scheme) == ("https", "http"):
        raise Refused(
            f"{target.host} redirects from https to plain http",
            hint=f"ask for {shortened(joined)} if that will do",
        )
    return onward


def bare(host: str) -> str:
    """A host as people name it: `www.` before it is most often the same house."""
    return host.removeprefix("www.")


def carried_over(call: Call, before: Target, after: Target) -> Call:
    """The same call for the next hop; on another origin, without anything secret."""
    origins = [(t.url.scheme, t.host, t.port) for t in (before, after)]
    if origins[0] == origins[1]:
        return call
    kept = {name: value for name, value in call.headers.items() if name.lower() in HARMLESS}
    return replace(call, headers=kept)
