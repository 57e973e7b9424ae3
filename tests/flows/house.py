"""A whole home in a temporary folder, and its daemon on a clock that the test controls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from harness.app import App
from harness.bus.port import Stamp, State, Task
from harness.clock import FakeClock
from harness.config.home import Home

PROMPT = "You are {name}. Do what the task says, with your tools, and answer in Markdown."


class House:
    """Files to write, a daemon to start and to stop, and questions about what came of it."""

    def __init__(self, root: Path, clock: FakeClock) -> None:
        self.home = Home(root)
        self.clock = clock
        self.home.agents.mkdir(parents=True)
        self.settings: dict[str, Any] = {
            "models": {"default": "offline", "profiles": {"offline": {"provider": "extractive"}}}
        }
        self.schedule: dict[str, Any] = {"timezone": "America/Los_Angeles", "jobs": {}}
        self.write()

    def agent(
        self,
        name: str,
        *tools: str,
        model: str = "offline",
        sources: list[dict[str, Any]] | None = None,
    ) -> None:
        folder = self.home.agent(name)
        folder.mkdir(exist_ok=True)
        lines = [f"name: {name}", f"description: Does {name}.", f"model: {model}"]
        front = "\n".join(["---", *lines, f"tools: [{', '.join(tools)}]", "---", ""])
        (folder / "SOUL.md").write_text(front + PROMPT.format(name=name))
        if sources is not None:
            write_yaml(self.home.sources_file(name), sources)

    def job(self, name: str, **line: Any) -> None:
        asked = {} if "work" in line else {"prompt": "Morning digest."}
        self.schedule["jobs"][name] = {**asked, **line}
        self.write()

    def script(self, profile: str, turns: list[Any]) -> None:
        """Make a model profile that plays these turns."""
        write_yaml(self.home.root / f"{profile}.script.yaml", turns)
        played = {"provider": "scripted", "script": f"{profile}.script.yaml"}
        self.settings["models"]["profiles"][profile] = played
        self.write()

    def write(self) -> None:
        write_yaml(self.home.settings_file, self.settings)
        write_yaml(self.home.cron_file, self.schedule)

    @asynccontextmanager
    async def daemon(self, environment: Mapping[str, str] | None = None) -> AsyncIterator[App]:
        """The whole crew, running; it is stopped in good order at the end."""
        app, stop = App.open(self.home, self.clock, environment or {}), asyncio.Event()
        await app.ready()
        running = asyncio.create_task(app.supervisor().run(stop))
        try:
            yield app
        finally:
            stop.set()
            while not running.done():
                await self.clock.advance(1)
                await asyncio.sleep(0.001)
            await app.aclose()

    async def until(self, holds: Callable[[], bool], *, step: float = 0.1) -> None:
        """Let the clock run, `step` seconds at a time, until that is so; fail after 30 s."""
        async with asyncio.timeout(30):
            while not holds():
                await self.clock.advance(step)
                await asyncio.sleep(0.002)

    async def final(self, app: App, task: Task) -> Task:
        """The task once it is over and handed over."""
        await self.until(lambda: is_over(app.bus.reader.get(task.id)))
        return app.bus.reader.get(task.id)

    def pages(self) -> list[Path]:
        """What was delivered to the archive."""
        return sorted(self.home.archive.rglob("*.md"))


def is_over(task: Task) -> bool:
    if task.state is State.DEAD:
        return True
    handed_over = not task.deliver or getattr(task, Stamp.DELIVERED) is not None
    return task.state is State.FINAL and handed_over


def write_yaml(path: Path, data: object) -> None:
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(data, file)
