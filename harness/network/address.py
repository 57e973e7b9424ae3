"""Which addresses the house's own HTTP client may reach: pure rules, no network.

The list is ours because `ipaddress` calls several of these ranges global. The rules look at
the resolved address and never at the host's spelling: a resolver turns `2130706433`, `0x7f.1`
and a stranger's domain name into 127.0.0.1 alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

import httpx

from harness.config.endpoint import parse_endpoint
from harness.network.errors import NetworkError

Address = IPv4Address | IPv6Address

USUAL_PORTS = {80, 443}
MAX_URL = 4096  # characters
MAX_NAME = 253  # characters
LONGEST_ECHO = 120  # characters of a wrong address; it may come from a server
_NAME = re.compile(r"(?!-)(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}(?<!-)")
# 127.1, 2130706433, 0x7f.1: resolvers take these for addresses, and no public name ends so
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
# the part before the path as RFC 3986 has it, and nothing that another parser reads otherwise
_WRITTEN = re.compile(
    r"https?://(?:\[[0-9a-f:.]+\]|[^\s\\@%\[\]:/?#]+)(?::[0-9]*)?(?:[/?#].*)?", re.IGNORECASE
)

DENIED = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's own services, seen from its machines
        "169.254.0.0/16",  # link-local: where clouds keep their metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "::/96",  # unspecified, loopback, IPv4-compatible
        "::ffff:0:0:0/96",  # IPv4-translated: of a translator inside somebody's network
        "64:ff9b:1::/48",  # NAT64 of a local operator: the prefix length is his secret
        "100::/64",  # discard
        "2001::/23",  # protocol assignments, Teredo
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fc00::/7",  # unique local
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local
        "ff00::/8",  # multicast
    )
)
NAT64 = IPv6Network("64:ff9b::/96")
UNICAST = IPv6Network("2000::/3")  # the only part of IPv6 that is given out to the public
ISATAP = {0x0000_5EFE, 0x0200_5EFE}  # what stands before the IPv4 address in RFC 5214


class Refused(NetworkError):
    """An address that tools may not reach, by rule; another try ends the same way."""


@dataclass(frozen=True)
class Target:
    """Where a request goes, as the URL says it."""

    url: httpx.URL
    host: str  # in ASCII and lower case, without brackets or a last dot
    port: int

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_target(url: str) -> Target:
    """The target of an http address. Raises Refused with what is wrong with it."""
    if len(url) > MAX_URL:
        raise Refused(f"the address is longer than {MAX_URL} characters")
    written = url.strip()
    shown = shortened(written)
    try:
        parsed = httpx.URL(written)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise Refused(f"{shown} is no valid address") from error
    if parsed.scheme not in {"http", "https"}:
        raise Refused(f"{shown} does not begin with http:// or https://")
    if parsed.userinfo or "@" in authority(written):
        raise Refused("an address with a user name or a password in it is not opened")
    host = plain(parsed.raw_host.decode("ascii").lower().removesuffix("."))
    if not (is_name(host) or is_literal(host)):
        raise Refused(f"{shown} is no valid address: its host is no name")
    port = (443 if parsed.scheme == "https" else 80) if parsed.port is None else parsed.port
    if not 0 < port < 65536:
        raise Refused(f"{shown} names no port that there is")
    if not _WRITTEN.fullmatch(written):
        raise Refused(f"{shown} is no valid address: what stands before its path is ambiguous")
    return Target(parsed, host, port)


def authority(url: str) -> str:
    """What stands between the slashes and the path."""
    return re.split(r"[/?#]", url.partition("//")[2], maxsplit=1)[0]


def is_name(host: str) -> bool:
    return len(host) <= MAX_NAME and bool(_NAME.fullmatch(host)) and not _NUMBER.fullmatch(host)


def plain(host: str) -> str:
    """An IP address in its usual spelling; a name as it is."""
    return str(ip_address(host)) if is_literal(host) else host


def shortened(text: str) -> str:
    """A text of unknown origin, quoted, with what is invisible escaped, and not too much of it."""
    return repr(text if len(text) <= LONGEST_ECHO else f"{text[:LONGEST_ECHO]}...")


def parse_allowed(entries: Iterable[str]) -> frozenset[tuple[str, int]]:
    """The `host:port` entries of `network.allow`. Raises ValueError naming a bad one."""
    return frozenset((in_ascii(host), port) for host, port in map(parse_endpoint, entries))


def in_ascii(host: str) -> str:
    """A host as `Target` spells it."""
    try:
        return plain(httpx.URL(scheme="http", host=host).raw_host.decode("ascii").removesuffix("."))
    except httpx.InvalidURL as error:
        raise ValueError(f"{host!r} is no host:port") from error


def check(target: Target, addresses: Iterable[str], allowed: frozenset[tuple[str, int]]) -> None:
    """Raise Refused unless every one of the target's addresses may be reached at its port."""
    if (target.host, target.port) in allowed:
        return
    for address in addresses:
        if (address, target.port) in allowed:
            continue
        if target.port not in USUAL_PORTS:
            raise Refused(
                f"port {target.port} of {target.host} is not opened, only 80 and 443",
                hint=f"the person can add {target.authority} to network.allow",
            )
        if reason := objection(address):
            raise Refused(
                f"{target.host} is not reached: {address} is {reason}",
                hint=f"the person can add {target.authority} to network.allow",
            )


def is_literal(host: str) -> bool:
    """Whether a host is an IP address as it stands, so that no name server is asked."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def objection(address: str) -> str | None:
    """Why an IP address may not be reached, or None when it is a public one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "no IP address"
    if isinstance(parsed, IPv6Address) and parsed.scope_id is not None:
        return "bound to one network interface"
    inner = embedded(parsed)
    if inner is not None:
        return objection(str(inner))
    denied = next((net for net in DENIED if net.version == parsed.version and parsed in net), None)
    if denied is not None:
        return f"in {denied}, which is not public"
    if isinstance(parsed, IPv6Address) and parsed not in UNICAST:
        return f"outside {UNICAST}, where the public addresses are"
    return None if parsed.is_global else "not a public address"


def embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to: mapped, behind NAT64, in 6to4 or in ISATAP."""
    if isinstance(address, IPv4Address):
        return None
    number = int(address)
    if address in NAT64 or (address in UNICAST and number >> 32 & 0xFFFF_FFFF in ISATAP):
        return IPv4Address(number & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
