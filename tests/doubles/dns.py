"""A name server on loopback, and a resolver that really asks it over UDP.

Its zone is a script: each name has answers that are given in turn, the last one for ever. That is
what a name needs that shows one face to whoever checks it and another to whoever connects.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Self

A, CNAME, AAAA = 1, 5, 28
IN = 1
NO_SUCH_NAME = 3
MAX_CHAIN = 8  # aliases in a row

Answer = Sequence[str]  # addresses; `=name` is an alias; nothing at all: the name has none


@dataclass
class DnsServer:
    """`async with DnsServer({"rebind.test": [["93.184.216.34"], ["127.0.0.1"]]}) as dns:`

    An answer that is None is silence. A name that is not in the zone does not exist.
    """

    zone: Mapping[str, Sequence[Answer | None]]
    port: int = 0
    asked: list[tuple[str, int]] = field(default_factory=list)  # name and type, in order
    transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(
            lambda: _Server(self), local_addr=("127.0.0.1", 0)
        )
        self.port = self.transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.transport is not None
        self.transport.close()

    def answer(self, query: bytes) -> bytes | None:
        """The reply to one datagram, or None for silence."""
        number = query[:2]
        name, end = read_name(query, 12)
        (kind,) = struct.unpack_from("!H", query, end)
        script = self.zone.get(name)
        turn = sum(asked == (name, kind) for asked in self.asked)
        self.asked.append((name, kind))
        question = query[12 : end + 4]
        if script is None:
            return number + struct.pack("!5H", 0x8183, 1, 0, 0, 0) + question
        values = script[min(turn, len(script) - 1)]
        if values is None:
            return None
        records = [record for value in values for record in self._records(name, value, kind)]
        return (
            number
            + struct.pack("!5H", 0x8180, 1, len(records), 0, 0)
            + question
            + b"".join(records)
        )

    def _records(self, name: str, value: str, kind: int, depth: int = 0) -> list[bytes]:
        if not value.startswith("="):
            address = ip_address(value)
            fits = {A: IPv4Address, AAAA: IPv6Address}.get(kind)
            return [record(name, kind, address.packed)] if type(address) is fits else []
        alias = value.removeprefix("=")
        beyond = self.zone.get(alias, [[]])[-1] or []
        follow = beyond if depth < MAX_CHAIN else []
        onward = [r for each in follow for r in self._records(alias, each, kind, depth + 1)]
        return [record(name, CNAME, write_name(alias)), *onward]


class _Server(asyncio.DatagramProtocol):
    def __init__(self, owner: DnsServer) -> None:
        self.owner = owner

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self.owner.answer(data)
        if reply is not None and self.owner.transport is not None:
            self.owner.transport.sendto(reply, addr)


class StubResolver:
    """Asks one name server for A and AAAA; what `Web` takes as its `resolve`."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def __call__(self, host: str, port: int) -> list[str]:
        replies = [await self._ask(host, kind) for kind in (A, AAAA)]
        if all(reply[3] & 15 == NO_SUCH_NAME for reply in replies):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [address for reply in replies for address in addresses(reply, host)]

    async def _ask(self, host: str, kind: int) -> bytes:
        number = random.randrange(1 << 16)
        query = struct.pack("!6H", number, 0x0100, 1, 0, 0, 0)
        query += write_name(host) + struct.pack("!2H", kind, IN)
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.setblocking(False)
            asking.connect(("127.0.0.1", self.port))
            await loop.sock_sendall(asking, query)
            reply = await loop.sock_recv(asking, 65535)
        assert struct.unpack_from("!H", reply) == (number,)
        return reply


def addresses(reply: bytes, host: str) -> list[str]:
    """The addresses in a reply that the name leads to, over its aliases."""
    _, _, _, count, _, _ = struct.unpack_from("!6H", reply)
    _, place = read_name(reply, 12)
    place += 4
    known, found = {host.lower()}, []
    for _ in range(count):
        name, place = read_name(reply, place)
        kind, _, _, length = struct.unpack_from("!HHIH", reply, place)
        data = reply[place + 10 : place + 10 + length]
        if kind == CNAME and name in known:
            known.add(read_name(reply, place + 10)[0])
        elif kind in {A, AAAA} and name in known:
            found.append(str(ip_address(data)))
        place += 10 + length
    return found


def record(name: str, kind: int, data: bytes) -> bytes:
    return write_name(name) + struct.pack("!HHIH", kind, IN, 0, len(data)) + data


def write_name(name: str) -> bytes:
    labels = [label.encode("ascii") for label in name.lower().split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def read_name(message: bytes, place: int) -> tuple[str, int]:
    """The name at a place, and the place behind it. Nobody here compresses names."""
    labels = []
    while length := message[place]:
        labels.append(message[place + 1 : place + 1 + length].decode("ascii"))
        place += 1 + length
    return ".".join(labels), place + 1
