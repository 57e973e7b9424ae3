"""Calls that a person decides about, and the tasks that wait for him meanwhile.

A task that waits holds no place in its lane: it is a request whose time comes when he has
decided, or when the time for it is over. All of it is in the database, so it outlives the daemon.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.sql.elements import ClauseElement

from harness.bus import incidents, rows, statements, transitions
from harness.bus.compiled import all_given, compiled, given, listed
from harness.bus.port import (
    Approval,
    ApprovalState,
    IllegalTransition,
    NotAsked,
    Question,
    State,
    Task,
)
from harness.bus.tables import approvals
from harness.bus.transaction import Transaction
from harness.clock import stamp, unstamp
from harness.errors import NotFound
from harness.text.invisible import escaped
from harness.text.urls import inert
from harness.text.words import clip

LONGEST_TOLD = 2000  # characters of the call, in what tells of it
MOST_UNANSWERED = 5  # questions of one task that wait for a person, or waited in vain
MOST_OPEN = 20  # questions of one agent, of however many tasks, that wait for a person
HOLDS = timedelta(days=1)  # how long after the decision the call may still be made
APPROVAL = listed(approvals, rows.APPROVAL_COLUMNS)


def ask(tx: Transaction, task: Task, question: Question) -> Approval:
    """What a person said to a call of a task; the first time, and once his yes has lapsed, ask
    him. Raises LeaseLost, NotAsked."""
    if tx.row(statements.setbacks(), transitions.guard(task)) is None:
        transitions.lost(tx, task)
    row = tx.row(of_call(), {"task": task.id, "call": question.call})
    known = rows.approval_of(row) if row else None
    if known is not None and not has_lapsed(known, tx.now):
        return known
    check_patience(tx, task, question)
    if known is not None:
        tx.db.execute(forget(), {"id": known.id})
    return put(tx, task, question)


def has_lapsed(approval: Approval, now: datetime) -> bool:
    """Whether a person said yes, and too long ago."""
    said_yes = approval.state is ApprovalState.APPROVED
    return said_yes and approval.at(now) is ApprovalState.EXPIRED


def check_patience(tx: Transaction, task: Task, question: Question) -> None:
    """Raises NotAsked for a question that nobody could answer in time, and for one too many."""
    if question.expires_at <= tx.now:
        raise NotAsked("no time is left for a person to decide")
    (unanswered,) = tx.rows(count_unanswered(), {"task": task.id})[0]
    if unanswered >= MOST_UNANSWERED:
        raise NotAsked(
            f"a person was asked about {unanswered} calls of this task already and has not"
            " answered: he is not asked about more"
        )
    (of_agent,) = tx.rows(count_open(), {"agent": task.agent, "now": tx.at})[0]
    if of_agent >= MOST_OPEN:
        raise NotAsked(
            f"{of_agent} calls of {task.agent} wait for a person already: he is not asked"
            " about more"
        )


def put(tx: Transaction, task: Task, question: Question) -> Approval:
    """Write the question down, and tell the person."""
    asked = Approval(
        id=tx.ids(),
        task=task.id,
        agent=task.agent,
        tool=question.tool,
        call=question.call,
        shown=question.shown,
        reason=question.reason,
        state=ApprovalState.PENDING,
        asked_at=tx.now,
        expires_at=unstamp(stamp(question.expires_at)),
    )
    times = {"asked_at": tx.at, "expires_at": stamp(asked.expires_at)}
    tx.db.execute(insert_new(), vars(asked) | {"state": asked.state.value} | times)
    incidents.announce(tx, *told(asked), question.deliver)
    return asked


def told(asked: Approval) -> tuple[str, str]:
    """The title and the text with which a person is asked."""
    whole = "the whole call"
    if len(asked.shown) > LONGEST_TOLD:  # its end may be what matters
        whole = f"THE REST of the call, {len(asked.shown)} characters in all"
    # what a model wrote stands in a block of code, its addresses so that no chat previews them:
    # on a page it would be links and pictures, and asking alone would carry out what they say
    text = (
        f"{asked.agent} wants to make this call and may not without you:\n\n"
        f"    {asked.tool} {inert(clip(asked.shown, LONGEST_TOLD))}\n\n"
        f"    why you are asked: {inert(clip(escaped(asked.reason), LONGEST_TOLD))}\n\n"
        f"- {whole}: `harness approvals show {asked.id}`\n"
        f"- yes: `harness approvals approve {asked.id}`\n"
        f'- no: `harness approvals deny {asked.id} --note "what to do instead"`\n\n'
        f"Its task {asked.task} waits meanwhile. Unanswered until"
        f" {asked.expires_at:%Y-%m-%d %H:%M} UTC, the call is not made."
    )
    return f"Approval: {asked.agent} wants to call {asked.tool}", text


def decide(
    tx: Transaction, approval_id: str, *, approved: bool, actor: str, note: str | None = None
) -> Approval:
    """Write a person's word. Raises NotFound, IllegalTransition: it was decided, it is too
    late, or its task is over."""
    before = load(tx, approval_id)
    if before.decided_at is not None:
        raise IllegalTransition(
            f"approval {approval_id} was {before.state} already, by {before.decided_by}"
        )
    if before.at(tx.now) is not ApprovalState.PENDING:
        raise IllegalTransition(
            f"approval {approval_id} expired at {stamp(before.expires_at)}: the call is not made"
        )
    task = transitions.load(tx, before.task)
    if task.state not in (State.REQUEST, State.CONFIRMED):
        raise IllegalTransition(
            f"approval {approval_id} is of task {task.id}, which is over:"
            f" {task.outcome or task.state}"
        )
    state = ApprovalState.APPROVED if approved else ApprovalState.DENIED
    until = tx.now + HOLDS if approved else before.expires_at
    values = {
        "id": approval_id,
        "state": state.value,
        "now": tx.at,
        "expires_at": stamp(until),
        "by": actor,
        "note": note,
    }
    decided = rows.approval_of(tx.rows(write_decision(), values)[0])
    wake(tx, task)
    return decided


def park(tx: Transaction, task: Task, note: str) -> Task:
    """Hand back an attempt that waits for a person: due again when the first question expires,
    or at once when all are decided. Raises LeaseLost."""
    (first,) = tx.rows(open_until(), {"task": task.id, "now": tx.at})[0]
    return transitions.release(tx, task, note, until=unstamp(first) if first else None)


def wake(tx: Transaction, task: Task) -> None:
    """A task whose questions are all decided goes on now."""
    (first,) = tx.rows(open_until(), {"task": task.id, "now": tx.at})[0]
    if task.state is State.REQUEST and first is None:
        values = {"id": task.id, "not_before": tx.at, "now": tx.at}
        tx.db.execute(statements.set_due(), values)


def waits(tx: Transaction, task: Task) -> bool:
    """Whether a task waits for a person and goes on afterwards."""
    (first,) = tx.rows(open_until(), {"task": task.id, "now": tx.at})[0]
    return task.state is State.REQUEST and first is not None


def load(tx: Transaction, approval_id: str) -> Approval:
    row = tx.row(one(), {"id": approval_id})
    if row is None:
        raise NotFound(
            f"there is no approval {approval_id}", hint="list them with: harness approvals list"
        )
    return rows.approval_of(row)


@compiled
def of_call() -> ClauseElement:
    return select(*APPROVAL).where(
        approvals.c.task == given("task"), approvals.c.call == given("call")
    )


@compiled
def one() -> ClauseElement:
    return select(*APPROVAL).where(approvals.c.id == given("id"))


@compiled
def count_open() -> ClauseElement:
    """Those of an agent, of all its tasks, that a person can still decide."""
    return select(func.count()).where(
        approvals.c.agent == given("agent"),
        approvals.c.state == ApprovalState.PENDING,
        approvals.c.expires_at > given("now"),
    )


@compiled
def insert_new() -> ClauseElement:
    return insert(approvals).values(all_given(approvals))


@compiled
def forget() -> ClauseElement:
    return delete(approvals).where(approvals.c.id == given("id"))


@compiled
def count_unanswered() -> ClauseElement:
    """Those of a task that wait for a person, and those that nobody answered in time."""
    return select(func.count()).where(
        approvals.c.task == given("task"), approvals.c.state == ApprovalState.PENDING
    )


@compiled
def write_decision() -> ClauseElement:
    return (
        update(approvals)
        .where(approvals.c.id == given("id"))
        .values(
            state=given("state"),
            expires_at=given("expires_at"),
            decided_at=given("now"),
            decided_by=given("by"),
            note=given("note"),
        )
        .returning(*APPROVAL)
    )


@compiled
def open_until() -> ClauseElement:
    """When the first open question of a task expires; null when there is none."""
    return select(func.min(approvals.c.expires_at)).where(
        approvals.c.task == given("task"),
        approvals.c.state == ApprovalState.PENDING,
        approvals.c.expires_at > given("now"),
    )
