"""`https://host/v1`: the address of a model server, as people write it."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

EXAMPLE = "https://api.example.com/v1"
# what a home network calls its machines: no public name ends so, or has no dot
HOME_NAMES = (".local", ".localhost", ".lan", ".internal", ".home.arpa")
# resolvers take `134744072` and `0x8080808` for addresses, and `\uff61` for a dot
_NAME = re.compile(r"(?!\d+$|0[xX])[a-zA-Z0-9._-]+")


def parse_base_url(text: str) -> str:
    """The address without a slash at its end. Raises ValueError, without any password in its words.

    Plain http is for servers on this machine or in its own network: anywhere else the key and
    the conversation would go through strangers' hands.
    """
    parts = urlsplit(text.strip())  # raises ValueError for a broken one, as does its port
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
        raise ValueError(f"`base_url` should name a host, such as {EXAMPLE}")
    if "@" in parts.netloc:
        raise ValueError("no user or password stands in `base_url`: `api_key` says where it lies")
    if parts.query or parts.fragment:
        raise ValueError("`base_url` ends with its path: leave out what comes after")
    if parts.scheme == "http" and not is_at_home(parts.hostname):
        raise ValueError("`base_url` should begin with https:// where it leaves the own network")
    path = parts.path.rstrip("/")
    if path.endswith("/chat/completions"):
        raise ValueError("`base_url` is what stands before /chat/completions")
    return f"{parts.scheme}://{parts.netloc}{path}"


def is_at_home(host: str) -> bool:
    """Whether a host is this machine or in a private network, by its address or its name."""
    try:
        address = ip_address(host)
    except ValueError:
        is_name = _NAME.fullmatch(host) is not None
        return is_name and ("." not in host or host.lower().endswith(HOME_NAMES))
    return address.is_loopback or address.is_private
