"""Hooks as a home has them: real programs, a real server, a real time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.clock import FakeClock
from harness.config.home import Home
from harness.config.hooks import Hook
from harness.hooks.hooks import Hooks
from harness.text.secrets import Redactor

SOON = timedelta(milliseconds=300)
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MY_TOKEN": "hunter2-hunter2"}

Freeze = Callable[..., Hooks]
Program = Callable[..., str]


@pytest.fixture
def freeze(home: Home, clock: FakeClock) -> Freeze:
    """`freeze(hook, hook)`: these hooks, in force in the home of this test."""

    def frozen(*hooks: Hook) -> Hooks:
        return Hooks.freeze(hooks, home, ENVIRONMENT, Redactor.knowing(ENVIRONMENT), clock)

    return frozen


@pytest.fixture
def program(home: Home) -> Program:
    """`program("exit 2")`: the word for a shell script in the home that does so."""

    def written(body: str, name: str = "check.sh") -> str:
        path = home.root / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o700)
        return str(path.relative_to(home.root))

    return written


@dataclass
class Server:
    """What a server was sent, and what it answers."""

    port: int = 0
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    silent: threading.Event | None = None  # answers once it is set

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?key=of-the-query"


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of hooks on this machine."""
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.got.append((self.path, dict(self.headers), body))
            if told.silent is not None:
                told.silent.wait(10)
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:  # a client that went away
                self.close_connection = True

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.port = listening.server_port
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield told
    if told.silent is not None:
        told.silent.set()
    listening.shutdown()
    listening.server_close()
    thread.join()


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
