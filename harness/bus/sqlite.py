"""The bus on SQLite: durable on one machine, awake to other processes, nothing to install."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Concatenate, ParamSpec, TypeVar

from harness.bus import (
    approvals,
    conversation,
    effects,
    handover,
    incidents,
    readdress,
    recoveries,
    rescue,
    schedule,
    transitions,
)
from harness.bus.bells import Bell, Neighbours
from harness.bus.port import (
    DEFAULT_LEASE,
    Approval,
    Delivery,
    DeliveryState,
    Due,
    Effect,
    Incident,
    JobState,
    Note,
    Outcome,
    Question,
    Recovered,
    Request,
    Result,
    Slot,
    Stamp,
    State,
    Task,
)
from harness.bus.pulse import Pulse
from harness.bus.reader import Reader
from harness.bus.routed import Decision
from harness.bus.schema import open_to_write
from harness.bus.transaction import Transaction
from harness.clock import Clock
from harness.config.cronfile import Overlap
from harness.config.home import Home
from harness.db.writer import Step, Writer
from harness.ids import Ids

P = ParamSpec("P")
T = TypeVar("T")


class SqliteBus:
    """`port.Bus` on the home's database, with what callbacks, cron and delivery need besides.

    Open it in a running event loop, and close it there:

        async with SqliteBus.open(home, clock, ids) as bus: ...

    Methods that change something return when the change is on the disk. Those that only ask
    read what is committed; more questions than the port has are answered by `reader`.
    """

    def __init__(
        self, clock: Clock, ids: Ids, writer: Writer, reader: Reader, pulse: Pulse, bell: Bell
    ) -> None:
        self.clock, self.ids = clock, ids
        self.reader = reader
        self._writer, self._pulse, self._bell = writer, pulse, bell

    @classmethod
    def open(cls, home: Home, clock: Clock, ids: Ids) -> SqliteBus:
        """Make or migrate the database, and listen. Raises SchemaTooNew (78), HarnessError."""
        db = open_to_write(home.database)
        reader = Reader(home.database)
        pulse = Pulse(clock)
        bell = Bell(home.bells, pulse.beat)
        writer = Writer(
            db,
            home.database,
            changed=pulse.beat,
            committed=Neighbours(home.bells, own=bell.path).ring,
        )
        return cls(clock, ids, writer, reader, pulse, bell)

    async def aclose(self) -> None:
        """Write what still waits, then let go of the database."""
        await self._writer.aclose()
        self._bell.close()
        self.reader.close()

    async def __aenter__(self) -> SqliteBus:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    # -- the life of a task; what each promises stands in port.Bus

    async def request(self, request: Request) -> Task:
        return await self._write(transitions.request, request)

    async def claim(
        self, lane: str, *, cap: int, owner: str, lease: timedelta = DEFAULT_LEASE
    ) -> Task | None:
        """As in the port; a claim whose caller was cancelled meanwhile is handed back."""
        self._pulse.looks()
        step = self._step(transitions.claim, lane, cap=cap, owner=owner, lease=lease)
        return await self._writer.run(step, orphaned=self._hand_back)

    async def beat(self, task: Task, *, lease: timedelta = DEFAULT_LEASE) -> datetime:
        return await self._write(transitions.beat, task, lease=lease)

    async def final(
        self, task: Task, outcome: Outcome, result: Result, *, note: str | None = None
    ) -> Task:
        return await self._write(transitions.final, task, outcome, result, note=note)

    async def fail(self, task: Task, error: str, *, permanent: bool = False) -> Task:
        return await self._write(transitions.fail, task, error, permanent=permanent)

    async def release(self, task: Task, note: str) -> Task:
        return await self._write(transitions.release, task, note)

    async def park(self, task: Task, note: str) -> Task:
        return await self._write(approvals.park, task, note)

    async def readdress(self, task: Task, decision: Decision) -> Task:
        return await self._write(readdress.readdress, task, decision)

    async def resend(self, task_id: str, *, actor: str) -> Task:
        return await self._write(transitions.resend, task_id, actor=actor)

    async def cancel(self, task_id: str, *, actor: str, note: str | None = None) -> Task:
        return await self._write(transitions.cancel, task_id, actor=actor, note=note)

    async def sweep(self, spare: Collection[str] = ()) -> list[Task]:
        return await self._write(rescue.sweep, spare)

    async def reclaim(self, owner: str) -> list[Task]:
        """Take back at once what anyone but `owner` holds; only for the holder of the home's
        lock, who knows them gone. The attempts count as failed."""
        return await self._write(rescue.reclaim, owner)

    async def bury(self, lane: str, *, before: datetime, note: str) -> list[Task]:
        """Give up what waits in a lane that nobody serves, if it was due `before` then: dead."""
        return await self._write(rescue.bury, lane, before=before, note=note)

    async def ask_approval(self, task: Task, question: Question) -> Approval:
        return await self._write(approvals.ask, task, question)

    async def decide(
        self, approval_id: str, *, approved: bool, actor: str, note: str | None = None
    ) -> Approval:
        """Write a person's word to a call. Raises NotFound, IllegalTransition."""
        return await self._write(
            approvals.decide, approval_id, approved=approved, actor=actor, note=note
        )

    async def get(self, task_id: str) -> Task:
        self._pulse.looks()
        return self.reader.get(task_id)

    async def counts(self) -> dict[str, dict[State, int]]:
        self._pulse.looks()
        return self.reader.counts()

    async def next_due(self) -> datetime | None:
        self._pulse.looks()
        return self.reader.next_due(self.clock.now())

    async def wait(self, timeout: float) -> bool:
        """As in the port: what changed since the calling task last asked anything counts."""
        return await self._pulse.wait(timeout)

    # -- notes and callbacks

    async def tell(self, task_id: str, sender: str, text: str) -> Note:
        """Leave a note for a task under way. Raises NotFound, IllegalTransition."""
        return await self._write(conversation.tell, task_id, sender, text)

    async def take_notes(self, task: Task, known: Collection[int] = ()) -> list[Note]:
        """The notes that the caller's attempt has not read yet, nor the attempts `known` that
        it goes on after. Raises LeaseLost."""
        return await self._write(conversation.take_notes, task, known)

    async def leftovers_of_ended(self, limit: int = 100) -> list[Note]:
        """Notes that nobody read before their task was final; hand each to `ask_again`."""
        self._pulse.looks()
        return self.reader.unread(limit)

    async def ask_again(self, note: Note) -> Task | None:
        """Make such a note a request of its own; None when that was done before."""
        return await self._write(conversation.ask_again, note)

    async def call_back(self, child: Task, text: str) -> Task | Note | None:
        """Tell the asker of an ended task, once: a note to the asking task if it is still
        confirmed, else a request to the asking agent; None when that was done before."""
        return await self._write(conversation.call_back, child, text)

    # -- what must not be done twice

    async def begin_effect(self, task: Task, call: str, tool: str) -> tuple[Effect, bool]:
        """Note that a call is about to be made; and whether it may: a second one may not."""
        return await self._write(effects.begin, task, call, tool)

    async def finish_effect(self, task: Task, call: str, text: str) -> None:
        """The call came back, and this is what it gave."""
        await self._write(effects.finish, task, call, text)

    async def drop_effect(self, task: Task, call: str) -> None:
        """The call did nothing, and says so: it may be made again."""
        await self._write(effects.drop, task, call)

    # -- what went wrong

    async def recovered(self, kind: Recovered, subject: str, note: str) -> None:
        """Write down that the house put something right by itself."""
        await self._write(recoveries.record, kind, subject, note)

    async def review(self, deliver: Sequence[str]) -> list[Incident]:
        """Count the ends since the last review; one alert, to the channels of `deliver`, about
        all that failed twice in a row. Those are returned."""
        return await self._write(incidents.review, deliver)

    # -- after the end

    async def owed(self, which: Stamp, limit: int = 100) -> list[Task]:
        """Ended tasks that this consumer has not seen, oldest first (see Reader.owed)."""
        self._pulse.looks()
        return self.reader.owed(which, limit)

    async def stamp(self, task_id: str, which: Stamp) -> None:
        """Note that this consumer has seen the task. Raises NotFound."""
        await self._write(handover.stamp, task_id, which)

    async def begin_delivery(self, task_id: str, channel: str) -> Delivery | None:
        """Count an attempt that is about to be made; None when the channel is settled."""
        return await self._write(handover.begin_delivery, task_id, channel)

    async def finish_delivery(
        self, task_id: str, channel: str, state: DeliveryState, note: str | None = None
    ) -> Delivery:
        """Write how an attempt went; PENDING asks for another. Raises IllegalTransition."""
        return await self._write(handover.finish_delivery, task_id, channel, state, note)

    # -- the schedule

    async def settle(
        self, job: str, dues: Sequence[Due], overlap: Overlap
    ) -> list[tuple[Slot, Task | None]]:
        """Write how due slots of a job end, oldest first, those that fire with their requests:
        all of it or nothing. Comes back: the slots, and the tasks of those that fired.

        A paused job skips them, and one that is busy goes by `overlap`. A slot that is there
        already stays as it is: nothing fires twice.
        """
        return await self._write(schedule.settle, job, dues, overlap)

    async def last_slot(self, job: str) -> Slot | None:
        """The newest slot that was recorded for a job."""
        return self.reader.last_slot(job)

    async def job(self, job: str) -> JobState | None:
        """What is remembered of a job; None when it was neither scheduled nor paused yet."""
        return self.reader.job(job)

    async def set_job(self, state: JobState) -> JobState:
        """Remember a job's schedule; a known job stays paused, or not, as it was."""
        return await self._write(schedule.set_job, state)

    async def pause(self, job: str) -> JobState:
        """Let a job rest: its slots are skipped until it is resumed."""
        return await self._write(schedule.pause, job, paused=True)

    async def resume(self, job: str) -> JobState:
        """Let a paused job go on."""
        return await self._write(schedule.pause, job, paused=False)

    async def _write(
        self,
        step: Callable[Concatenate[Transaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        self._pulse.looks()
        return await self._writer.run(self._step(step, *args, **kwargs))

    def _step(
        self,
        step: Callable[Concatenate[Transaction, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Step[T]:
        return lambda db: step(Transaction.begun(db, self.clock, self.ids), *args, **kwargs)

    def _hand_back(self, task: Task | None) -> None:
        if task is not None:
            note = "its session was called off before it began"
            handed = self._writer.run(self._step(transitions.release, task, note))
            handed.add_done_callback(asyncio.Future.exception)  # swept meanwhile: all is well
