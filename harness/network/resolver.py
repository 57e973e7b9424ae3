"""Names to IP addresses, by the machine's own resolver."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

Resolver = Callable[[str, int], Awaitable[list[str]]]  # host and port in, IP addresses out


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
