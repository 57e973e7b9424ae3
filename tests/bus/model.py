"""What the bus should believe: its steps a second time, on plain values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from harness.bus.port import DEFAULT_LEASE, RETRY_LADDER, Outcome, Priority, Request, State, Task
from harness.clock import Clock


@dataclass(frozen=True)
class Expected:
    """One task as it should be."""

    lane: str
    priority: Priority
    not_before: datetime
    deadline: datetime | None
    budget: int
    max_attempts: int
    state: State = State.REQUEST
    outcome: Outcome | None = None
    attempt: int = 0
    failures: int = 0
    owner: str | None = None
    lease_until: datetime | None = None

    def agrees(self, task: Task) -> bool:
        """Whether the stored task is this one. Only of a held one do owner and lease count."""
        seen = replace(
            self,
            state=task.state,
            outcome=task.outcome,
            attempt=task.attempt,
            max_attempts=task.max_attempts,
            not_before=task.not_before,
            deadline=task.deadline,
        )
        if task.state is State.CONFIRMED:
            seen = replace(seen, owner=task.owner, lease_until=task.lease_until)
        return seen == self


class Model:
    """All tasks as they should be."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.tasks: dict[str, Expected] = {}
        self.keys: dict[str, str] = {}

    def requested(self, number: str, wish: Request) -> None:
        if wish.key is not None:
            self.keys[wish.key] = number
        self.tasks[number] = Expected(
            wish.agent,
            wish.priority,
            wish.not_before or self.clock.now(),
            wish.deadline,
            wish.max_attempts,
            wish.max_attempts,
        )

    def next_of(self, lane: str, cap: int) -> str | None:
        """Which task a claim must give."""
        now = self.clock.now()
        mine = {number: task for number, task in self.tasks.items() if task.lane == lane}
        if sum(task.state is State.CONFIRMED for task in mine.values()) >= cap:
            return None
        due = [
            (task.priority, task.not_before, number)
            for number, task in mine.items()
            if task.state is State.REQUEST
            and task.not_before <= now
            and (task.deadline is None or task.deadline > now)
        ]
        return min(due)[2] if due else None

    def claimed(self, number: str, owner: str) -> None:
        until = self.clock.now() + DEFAULT_LEASE
        attempt = self.tasks[number].attempt + 1
        self.update(number, state=State.CONFIRMED, attempt=attempt, owner=owner, lease_until=until)

    def holds(self, handle: Task) -> bool:
        """Whether a claim's handle still allows to write."""
        task = self.tasks[handle.id]
        held = (task.state, task.owner, task.attempt)
        return held == (State.CONFIRMED, handle.owner, handle.attempt)

    def released(self, number: str) -> None:
        self.update(
            number,
            state=State.REQUEST,
            max_attempts=self.tasks[number].max_attempts + 1,
            not_before=self.clock.now(),
        )

    def readdressed(self, number: str, lane: str) -> None:
        task = self.tasks[number]
        self.update(number, lane=lane, state=State.REQUEST, max_attempts=task.max_attempts + 1)

    def failed(self, number: str, *, permanent: bool = False) -> None:
        task = self.tasks[number]
        failures = task.failures + 1
        dead = permanent or failures >= task.budget
        pause = timedelta(0) if dead else RETRY_LADDER[min(failures, len(RETRY_LADDER)) - 1]
        self.update(
            number,
            state=State.DEAD if dead else State.REQUEST,
            failures=failures,
            not_before=self.clock.now() + pause,
        )

    def resent(self, number: str) -> None:
        task, now = self.tasks[number], self.clock.now()
        self.update(
            number,
            state=State.REQUEST,
            max_attempts=task.attempt + task.budget,
            failures=0,
            not_before=now,
            deadline=None if task.deadline and task.deadline <= now else task.deadline,
        )

    def swept(self) -> list[str]:
        """Every change of a sweep; what loses its holder past its deadline changes twice."""
        now = self.clock.now()
        abandoned = [
            number
            for number, task in self.tasks.items()
            if task.state is State.CONFIRMED and task.lease_until and task.lease_until <= now
        ]
        for number in abandoned:
            self.failed(number)
        expired = [
            number
            for number, task in self.tasks.items()
            if task.state is State.REQUEST and task.deadline and task.deadline <= now
        ]
        for number in expired:
            self.ended(number, Outcome.EXPIRED)
        return abandoned + expired

    def ended(self, number: str, outcome: Outcome) -> None:
        self.update(number, state=State.FINAL, outcome=outcome)

    def update(self, number: str, **changes: Any) -> None:
        self.tasks[number] = replace(self.tasks[number], **changes)
