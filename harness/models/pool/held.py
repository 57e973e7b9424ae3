"""A model in the memory of a host: what is known of it, and the calls that it answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.models.pool.seat import Slot

FORGOTTEN = 600.0  # seconds after which a task that was to ask again is not waited for


@dataclass(eq=False)
class Held:
    """It is there as the host said at the last look, or as we had it loaded since."""

    model: str
    num_ctx: int  # with which it was loaded, and so must be asked
    context: int | None = None  # what the server makes of that
    size: int | None = None
    sure: float = float("-inf")  # when it was last known to be there
    used: float = 0.0
    served: int = 0  # calls begun in a row while the host is contended
    draining: bool = False
    running: dict[int, Slot] = field(default_factory=dict)
    awaited: dict[str, float] = field(default_factory=dict)  # tasks that ask again: since when

    def ended(self, slot: Slot, now: float) -> None:
        """A call gave its slot back; its task may be about to ask again."""
        self.running.pop(slot.id, None)
        self.used = now
        self.awaited = {task: at for task, at in self.awaited.items() if now - at < FORGOTTEN}
        if slot.goes_on and slot.wish.asker.task:
            self.awaited[slot.wish.asker.task] = now

    def begun(self, slot: Slot) -> None:
        self.running[slot.id] = slot
        self.awaited.pop(slot.wish.asker.task or "", None)

    def serves(self, num_ctx: int) -> bool:
        return num_ctx <= max(self.num_ctx, self.context or 0)
