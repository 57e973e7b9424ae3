"""The memory of the GPU: what runners hold, and what the driver has not taken back yet."""

from __future__ import annotations

from collections.abc import Iterable

from harness.clock import Clock
from tests.doubles.ollama.runner import Runner
from tests.doubles.ollama.weights import Rules


class Memory:
    """A runner's part is free `rules.recover_seconds` after it is gone."""

    def __init__(self, rules: Rules, clock: Clock) -> None:
        self.rules = rules
        self.clock = clock
        self._returning: list[tuple[float, int]] = []  # when, and how much

    def free(self, loaded: Iterable[Runner]) -> int:
        """Bytes that a load would find."""
        now = self.clock.monotonic()
        self._returning = [(when, size) for when, size in self._returning if when > now]
        used = sum(runner.vram for runner in loaded)
        return self.rules.memory - used - sum(size for _, size in self._returning)

    def give_back(self, runner: Runner) -> None:
        back = self.clock.monotonic() + self.rules.recover_seconds
        self._returning.append((back, runner.vram))

    async def recover(self) -> None:
        """Wait until all of it is back."""
        if self.rules.recover_seconds:
            await self.clock.sleep(self.rules.recover_seconds)
