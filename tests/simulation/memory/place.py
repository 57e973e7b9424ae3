"""Where a quarter happens: a small home, and a loop without threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from harness.config.home import Home
from tests.simulation.memory.habits import AGENTS

T = TypeVar("T")
RECALL, LIMIT = 300, 500  # tokens
SETTINGS = f"""models:
  default: offline
  profiles: {{offline: {{provider: extractive}}}}
memory: {{recall: {RECALL}, limit: {LIMIT}, git: "off"}}
"""


class Inline(ThreadPoolExecutor):
    """No thread at all: what is handed over is done at once, in one order."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future = Future[T]()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


def found_home(home: Home) -> None:
    home.settings_file.parent.mkdir(exist_ok=True)
    home.settings_file.write_text(SETTINGS)
    home.cron_file.write_text("timezone: UTC\njobs: {}\n")
    for agent in AGENTS:
        home.agent(agent).mkdir(parents=True)
        (home.agent(agent) / "SOUL.md").write_text(
            f"---\nname: {agent}\ndescription: Reads.\nmodel: offline\n---\nYou read tables.\n"
        )
        home.memory(agent).mkdir(parents=True)
