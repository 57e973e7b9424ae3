"""The port of the bus: its words, and what every carrier of it promises.

A task goes `request -> confirmed -> final`, or ends in `dead` and waits for a person.
Each transition is one guarded update and one appended event, in one durable transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from harness.bus.routed import Decision
from harness.config.priority import Priority as Priority
from harness.errors import HarnessError

DEFAULT_LEASE = timedelta(seconds=60)  # renewed every 20 s while a session lives
RETRY_LADDER = tuple(timedelta(seconds=s) for s in (30, 60, 300, 900, 3600))
MAX_ANCESTORS = 8  # of a request; callbacks and notes that came too late are let through
MAX_CHILDREN = 40  # requests that one task may make


class State(StrEnum):
    """How far a task has come."""

    REQUEST = "request"  # asked; nobody has taken it up
    CONFIRMED = "confirmed"  # a session holds it under a lease
    FINAL = "final"  # over, with an outcome; never left again
    DEAD = "dead"  # attempts used up or a permanent error: a person decides


class Outcome(StrEnum):
    """How a final task ended."""

    DONE = "done"  # answered, and the contract holds
    PARTIAL = "partial"  # an answer that is not whole; it says why
    FAILED = "failed"  # no answer, and trying again would not help
    REFUSED = "refused"  # the agent or a rule said no
    CANCELLED = "cancelled"  # a person or the asker took it back
    EXPIRED = "expired"  # its deadline passed before an answer
    # of a dead task alone: it was interrupted within a call that must not be made twice
    UNKNOWN = "unknown"


class Stamp(StrEnum):
    """Who is still owed a look at a final; each consumer keeps a column of its own."""

    DELIVERED = "delivered_at"  # the courier handed the answer over
    CALLED_BACK = "called_back_at"  # the asker was told
    LEARNED = "learned_at"  # the reflector read it


class LeaseLost(HarnessError):
    """The caller no longer holds the task: it was swept, cancelled, or taken by another."""


class IllegalTransition(HarnessError):
    """The task is not in a state from which that step leads on."""


class NotAsked(HarnessError):
    """A person is not asked about a call: there is no time for an answer, or he left too many."""


class TooDeep(HarnessError):
    """The request has too many ancestors: agents that go on asking each other for ever."""


class TooMany(HarnessError):
    """The asking task has made too many requests: a flood, and no plan."""


@dataclass(frozen=True)
class Result:
    """What a session hands in at the end."""

    text: str = ""
    data: Any = None
    artifacts: Sequence[str] = ()  # paths, relative to the home
    tokens: Mapping[str, int] = field(default_factory=lambda: {"prompt": 0, "completion": 0})
    model: str = ""
    steps: int = 0
    degraded: bool = False  # something less than the wanted model answered
    outside: Sequence[str] = ()  # whose words the session had read: hosts, pages; none: nobody's
    private: bool = False  # read so, and the text has words of the house's own in it all the same


@dataclass(frozen=True)
class Request:
    """A wish for one piece of work of one agent. `key` makes it idempotent."""

    agent: str
    prompt: str
    sender: str = "person"  # the contract's `from`: person, cron, or an agent's name
    title: str = ""  # empty: the first line of the prompt
    lane: str = ""  # empty: the agent's own lane
    key: str | None = None
    priority: Priority = Priority.P1
    not_before: datetime | None = None
    deadline: datetime | None = None  # past it, a task nobody took up becomes `expired`
    timeout: timedelta = timedelta(minutes=20)  # of one attempt
    max_attempts: int = 1 + len(RETRY_LADDER)
    parent: str | None = None
    job: str | None = None
    deliver: Sequence[str] = ()  # channels; none: the answer never leaves the house
    callback: bool = False  # tell the asker (an agent) at the final
    payload: Mapping[str, Any] = field(default_factory=dict)  # what a special lane needs besides
    note: str | None = None  # stands beside its first event


@dataclass(frozen=True)
class Task:
    """One row of the queue, as it stood when it was read."""

    id: str
    agent: str
    lane: str
    sender: str
    title: str
    prompt: str
    state: State
    outcome: Outcome | None
    attempt: int
    max_attempts: int
    priority: Priority
    key: str | None
    parent: str | None
    root: str  # the first ancestor, or the task itself
    job: str | None
    created_at: datetime
    updated_at: datetime
    not_before: datetime
    deadline: datetime | None
    timeout: timedelta
    lease_until: datetime | None
    owner: str | None
    result: Result | None
    error: str | None
    deliver: Sequence[str]
    callback: bool
    payload: Mapping[str, Any]
    delivered_at: datetime | None = None
    called_back_at: datetime | None = None
    learned_at: datetime | None = None


@dataclass(frozen=True)
class Event:
    """One row of the append-only log."""

    seq: int
    task: str
    state: State
    outcome: Outcome | None
    attempt: int
    actor: str  # who wrote it: person, cron, an agent, a session's owner id, watcher
    at: datetime
    note: str | None


@dataclass(frozen=True)
class Note:
    """A message for a task that is under way; its session reads it between two turns."""

    id: int
    task: str
    sender: str
    text: str
    at: datetime


class SlotStatus(StrEnum):
    """How a due slot of a job ended. Never as nothing."""

    FIRED = "fired"  # a request was written
    MISSED = "missed"  # nobody was there, and the misfire policy let it go
    SKIPPED = "skipped"  # the job was paused, or still busy with the slot before


@dataclass(frozen=True)
class Slot:
    """One due time of one job: unique on (job, slot)."""

    job: str
    slot: datetime
    status: SlotStatus
    fired_at: datetime
    lateness: timedelta
    task: str | None
    note: str | None = None


@dataclass(frozen=True)
class Due:
    """A slot whose time has come, and how it ends unless its job rests or is still busy.

    One that was let go may stand for a whole run of such slots: itself and the `count` - 1
    before it, of which `first` is the oldest.
    """

    slot: datetime
    lateness: timedelta
    status: SlotStatus
    request: Request | None = None  # of one that is to fire
    note: str | None = None
    count: int = 1
    first: datetime | None = None


@dataclass(frozen=True)
class JobState:
    """What the database remembers of a job of cron.yaml; the file stays the truth."""

    job: str
    fingerprint: str  # of the schedule line: another one starts anew from `since`
    since: datetime  # slots at or before this instant are none of ours
    paused: bool


class DeliveryState(StrEnum):
    """How far the handing over of one final to one channel has come."""

    PENDING = "pending"  # being tried, or to be tried again
    SENT = "sent"  # the channel has it
    FAILED = "failed"  # given up


@dataclass(frozen=True)
class Delivery:
    """One final on its way to one channel: unique on (task, channel)."""

    task: str
    channel: str
    state: DeliveryState
    attempts: int
    at: datetime  # of the last attempt or its end
    note: str | None


class EffectState(StrEnum):
    """How far a call that must not be made twice has come."""

    BEGUN = "begun"  # under way; or its process ended, and nobody knows whether it was done
    DONE = "done"  # it came back, and `text` is what it gave
    WAIVED = "waived"  # it was begun, and a person said: try again all the same


@dataclass(frozen=True)
class Effect:
    """A call of a tool that must not be made twice for one task: unique on (task, call)."""

    task: str
    call: str  # a hash of the tool and its arguments
    tool: str
    state: EffectState
    attempt: int  # that began it
    at: datetime
    text: str | None


class ApprovalState(StrEnum):
    """What a person said to a call that he was asked about."""

    PENDING = "pending"  # nothing yet
    APPROVED = "approved"  # it may be made, as long as the approval holds
    DENIED = "denied"  # it must not be made
    EXPIRED = "expired"  # nothing in time: it is not made


@dataclass(frozen=True)
class Approval:
    """A call that waits for a person, or was decided by one: unique on (task, call)."""

    id: str
    task: str
    agent: str
    tool: str
    call: str  # a hash of the tool and its arguments: the approval is of these alone
    shown: str  # the arguments as JSON, secrets masked
    reason: str  # why a person is asked
    state: ApprovalState
    asked_at: datetime
    expires_at: datetime  # a pending one expires then; an approved one holds until then
    decided_at: datetime | None = None
    decided_by: str | None = None
    note: str | None = None

    def at(self, now: datetime) -> ApprovalState:
        """Its state now: one that nobody decided in time is expired."""
        late = self.state in (ApprovalState.PENDING, ApprovalState.APPROVED)
        return ApprovalState.EXPIRED if late and now >= self.expires_at else self.state


@dataclass(frozen=True)
class Question:
    """A call that a person is to decide about."""

    tool: str
    call: str
    shown: str
    reason: str
    expires_at: datetime
    deliver: Sequence[str] = ()  # channels that tell the person


class Recovered(StrEnum):
    """What the house puts right by itself."""

    RESTARTED = "service restarted"
    LEASE = "lease expired"
    TAKEN_OVER = "crash taken over"
    UNSERVED = "request nobody serves"
    CONFIG = "last good file kept"
    STALLED = "event loop stalled"
    CLOCK = "clock stepped"


@dataclass(frozen=True)
class Recovery:
    """One thing that was put right: what, of whom, and how."""

    at: datetime
    kind: Recovered
    subject: str  # a task, a service, a file
    note: str


@dataclass(frozen=True)
class Incident:
    """Failures in a row of one job, or of an agent that was asked without a job."""

    subject: str
    failures: int = 0  # 0: the last end was good
    since: datetime | None = None  # of the first of these failures
    alerted_at: datetime | None = None  # of the last alert about this subject
    task: str | None = None  # the last that failed


class Bus(Protocol):
    """Every carrier obeys this; one conformance suite checks them all.

    Methods that change something return when the change is durable. A task id may be
    given as a unique prefix to `get` only.
    """

    async def request(self, request: Request) -> Task:
        """Store a request; with a `key` already known, return that task unchanged."""
        ...

    async def claim(
        self, lane: str, *, cap: int, owner: str, lease: timedelta = DEFAULT_LEASE
    ) -> Task | None:
        """Confirm the lane's next due request (priority, then age), or None.

        None too when `cap` tasks of the lane are confirmed already. The returned task's
        `attempt` and `owner` guard every later write.
        """
        ...

    async def beat(self, task: Task, *, lease: timedelta = DEFAULT_LEASE) -> datetime:
        """Renew the lease; returns its new end. Raises LeaseLost."""
        ...

    async def final(
        self, task: Task, outcome: Outcome, result: Result, *, note: str | None = None
    ) -> Task:
        """Record the one final of a task held by the caller. Raises LeaseLost."""
        ...

    async def fail(self, task: Task, error: str, *, permanent: bool = False) -> Task:
        """An attempt failed: back to `request` by the ladder, or `dead`. Raises LeaseLost."""
        ...

    async def release(self, task: Task, note: str) -> Task:
        """Hand back an attempt that was not spent (a clean stop). Raises LeaseLost."""
        ...

    async def park(self, task: Task, note: str) -> Task:
        """Hand back an attempt that waits for a person; the task is due again once he decided
        or the time for it is over. Raises LeaseLost."""
        ...

    async def readdress(self, task: Task, decision: Decision) -> Task:
        """Move a request that named nobody to the agent chosen, the attempt not spent. Raises
        LeaseLost, and IllegalTransition for one that was an agent's already."""
        ...

    async def resend(self, task_id: str, *, actor: str) -> Task:
        """Give a dead task a new budget of attempts: same id, key, lineage. Raises
        NotFound, IllegalTransition."""
        ...

    async def cancel(self, task_id: str, *, actor: str, note: str | None = None) -> Task:
        """End a task that is not final as `cancelled`. Raises NotFound, IllegalTransition."""
        ...

    async def sweep(self, spare: Collection[str] = ()) -> list[Task]:
        """Take back what lost its holder, expire what passed its deadline; what changed.

        Tasks of `spare` keep their holder, whatever the clock says: who sweeps knows it alive.
        """
        ...

    async def begin_effect(self, task: Task, call: str, tool: str) -> tuple[Effect, bool]:
        """Note that a call is about to be made; and whether it may: a second one may not."""
        ...

    async def finish_effect(self, task: Task, call: str, text: str) -> None:
        """The call came back, and this is what it gave."""
        ...

    async def drop_effect(self, task: Task, call: str) -> None:
        """The call did nothing, and says so: it may be made again."""
        ...

    async def ask_approval(self, task: Task, question: Question) -> Approval:
        """What a person said to a call; the first time, and once his yes has lapsed, ask him.
        Raises LeaseLost, NotAsked."""
        ...

    async def get(self, task_id: str) -> Task:
        """The task of that id or unique prefix. Raises NotFound."""
        ...

    async def counts(self) -> dict[str, dict[State, int]]:
        """How many tasks of each lane are in each state (finals of all time included)."""
        ...

    async def next_due(self) -> datetime | None:
        """The earliest `not_before` that is still ahead, of tasks in `request`."""
        ...

    async def wait(self, timeout: float) -> bool:
        """Return True once anything changed, here or in another process; False after
        `timeout` seconds."""
        ...
