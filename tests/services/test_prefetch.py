"""The model of the next due job is loaded before its slot; a server that is away is left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from harness.clock import FakeClock
from harness.config.crew import read_crew
from harness.config.home import Home
from harness.models.ollama_host import OllamaHost
from harness.models.pool.pool import Pool
from harness.services.prefetch import Prefetch
from harness.tools.catalogue import KNOWN
from tests.doubles.ollama import OllamaDouble


@pytest.mark.parametrize(
    ("minutes", "is_up", "loads"), [(1, True, 1), (30, True, 0), (-1, True, 0), (1, False, 0)]
)
async def test_what_is_due_soon_is_loaded_while_the_server_answers(
    home: Home, clock: FakeClock, minutes: int, is_up: bool, loads: int
) -> None:
    home.agent("scout").mkdir()
    soul = "---\nname: scout\ndescription: Looks.\n---\nLook.\n"
    (home.agents / "scout" / "SOUL.md").write_text(soul)
    line = "jobs: {morning: {agent: scout, prompt: Look., cron: '0 6 * * *'}}\n"
    home.cron_file.write_text("timezone: UTC\n" + line)
    crew = read_crew(home, KNOWN, environment={})
    due = {"morning": clock.now() + timedelta(minutes=minutes)}
    async with OllamaDouble() as double:
        pool = Pool([OllamaHost(double.url)], clock=clock)
        pool.join()
        prefetch = Prefetch(lambda: due, lambda: crew, lambda: pool, lambda: is_up, clock)

        await prefetch.look()
        found = pool.snapshot().counters.prefetched
        asked = len(double.calls)
        await pool.leave()

    assert found == loads
    assert bool(asked) is bool(loads)
