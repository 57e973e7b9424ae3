"""A day of a house full of canaries, in a process of its own: `python -m tests.flows.canary_house`.

Every secret in it comes from outside (the environment, a file, a page, a person), and everything
in the house tries to say it: the model in its calls and answers, a tool and a service in their
faults, a channel in its error.
"""

from __future__ import annotations

import asyncio
import os
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from harness.app import App
from harness.bus.port import Request, Task
from harness.clock import FakeClock
from harness.logs import set_up_logs
from harness.services.lock import HomeLock
from harness.text.secrets import Redactor
from tests.flows.house import House

VARIABLE = "HOUSE_API_KEY"
CANARIES = {  # where it comes from: what it is
    "environment": 'c4nary "of the" environment/1',
    "file": "c4nary-plain-in-a-file",
    "page": "ghp_c4narypagec4narypagec4narypagec4na",
    "prompt": "c4nary-told-77",
    "fault": "sk-proj-c4naryFAULT99c4naryFAULT99c4nary",
    "login": "c4nary-login-88",
}
PROMPT = f"Log in with password: {CANARIES['prompt']} and tell what you see."


class Broken:
    """A channel that says too much."""

    name = "broken"

    async def deliver(self, task: Task) -> str:
        raise RuntimeError(f"401 for https://bot:{CANARIES['login']}@example.org/{task.id}")


async def main(root: Path) -> None:
    """Live the day in a home at `root`, with the canaries of this process's environment."""
    house = House(root, FakeClock(datetime(2026, 1, 5, 15, 29, 30, tzinfo=UTC)))
    (root / "hosted.key").write_text(CANARIES["file"] + "\n")
    far = {"provider": "openai", "base_url": "https://api.invalid/v1", "model": "m"}
    hosted = {**far, "api_key": {"file": str(root / "hosted.key")}}
    house.settings["models"]["profiles"]["hosted"] = hosted
    async with page_server() as address:
        house.settings["network"] = {"allow": [address]}
        house.script("player", turns(address))
        house.agent("scout", "memory", "web_fetch", "shared_context", "request", model="player")
        house.agent("butler")
        redactor = Redactor.knowing(os.environ)
        with HomeLock(house.home) as lock:
            set_up_logs(house.home.logs, colour=False, redactor=redactor)
            lock.tell(trouble=f"no answer at http://u:{CANARIES['login']}@127.0.0.1:1")
            app = App.open(house.home, house.clock, os.environ, redactor=redactor)
            await live(house, app)
            (root / "lock-as-told").write_bytes(house.home.lock.read_bytes())


async def live(house: House, app: App) -> None:
    stop = asyncio.Event()
    await app.ready()
    app.courier.channels = {**app.courier.channels, "broken": Broken()}
    app.watcher.look = faulty  # type: ignore[method-assign]
    running = asyncio.create_task(app.supervisor().run(stop))
    wish = Request("scout", PROMPT, deliver=["archive", "log", "broken"])
    task = await app.bus.request(wish)
    await house.until(lambda: handed_over(house, task), step=0.5)
    print(f"the task {task.id} is done")
    asyncio.get_running_loop().call_exception_handler(
        {"message": "broke", "exception": RuntimeError(f"no {CANARIES['fault']}")}
    )
    stop.set()
    while not running.done():
        await house.clock.advance(1)
        await asyncio.sleep(0.001)
    await app.aclose()


async def faulty() -> None:
    raise RuntimeError(f"a service broke with {CANARIES['fault']} and {CANARIES['file']}")


def handed_over(house: House, task: Task) -> bool:
    log = house.home.logs / "deliveries.jsonl"
    return log.exists() and task.id in log.read_text()


def turns(address: str) -> list[object]:
    """What the model says: every canary, in every form that it can think of."""
    known = CANARIES["environment"]
    coded = f"{b64encode(known.encode()).decode()} {quote(known)} {CANARIES['file']}"
    told = f"I saw {known}, {coded}, {CANARIES['page']} and password={CANARIES['prompt']}."
    calls: list[tuple[str, dict[str, str]]] = [
        ("memory", {"action": "append", "text": told}),
        ("shared_context", {"action": "write", "name": "Notes", "text": told}),
        ("request", {"agent": "butler", "prompt": told}),
        ("unheard_of", {"password": CANARIES["prompt"], "more": coded}),
        ("memory", {"action": CANARIES["fault"]}),
        ("web_fetch", {"url": f"http://{address}/page"}),
        ("web_fetch", {"url": f"https://bot:{CANARIES['login']}@example.org/x"}),
    ]
    return [
        *({"text": told, "calls": [{"name": n, "arguments": a}]} for n, a in calls),
        {"text": f"# Seen\n\n{told}\n\n" + f"Not said: {CANARIES['fault']}"},
    ]


@asynccontextmanager
async def page_server() -> AsyncIterator[str]:
    """A page with a token in its text; the host and port."""
    body = f"<title>T</title><article><p>{'Words. ' * 50} Use {CANARIES['page']}.</p></article>"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
