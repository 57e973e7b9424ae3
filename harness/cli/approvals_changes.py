"""`harness approvals approve` and `deny`: a person's word on a call that waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from harness.bus.port import Approval, ApprovalState
from harness.cli.approvals import show_call
from harness.cli.output import HomeOption, JsonOption, emit, local, note, say, the_home, told
from harness.cli.posting import audit, open_bus
from harness.cli.shapes import approval_shape
from harness.config.home import Home
from harness.errors import HarnessError
from harness.services.lock import holder

app = typer.Typer()

IdsArgument = Annotated[
    list[str], typer.Argument(metavar="APPROVAL...", help="Ids, or unique beginnings of them.")
]
NoteOption = Annotated[str | None, typer.Option("--note", help="Why; kept with the decision.")]
AnswerOption = Annotated[
    str | None, typer.Option("--note", help="Why, or what to do instead; the agent is told.")
]


@app.command()
def approve(
    approvals: IdsArgument,
    why: NoteOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let these calls be made, exactly as they are shown; they hold for a day."""
    decide(the_home(home), approvals, why, approved=True, as_json=as_json)


@app.command()
def deny(
    approvals: IdsArgument,
    why: AnswerOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Do not let these calls be made; their agents go on without them."""
    decide(the_home(home), approvals, why, approved=False, as_json=as_json)


def decide(
    home: Home, prefixes: Sequence[str], why: str | None, *, approved: bool, as_json: bool
) -> None:
    """Decide on each, then tell. Raises HarnessError when one of them could not be decided."""
    done, faults = settle(home, prefixes, why, approved=approved)
    if as_json:
        now = datetime.now(UTC)
        emit([approval_shape(each, now, is_open=False) for each in done])
    for each in () if as_json else done:
        tell(each)
    if done and holder(home) is None:
        note("the crew is not running: the task goes on with the next `harness up`")
    if not faults:
        return
    if len(prefixes) == 1:
        raise faults[0]
    told_all = "\n".join(f"- {fault}" for fault in faults)
    raise HarnessError(f"{len(faults)} of {len(prefixes)} were not decided:\n{told_all}")


def settle(
    home: Home, prefixes: Sequence[str], why: str | None, *, approved: bool
) -> tuple[list[Approval], list[HarnessError]]:
    """What was decided, and what kept the others from it."""
    done: list[Approval] = []
    faults: list[HarnessError] = []
    with open_bus(home) as bus:
        for prefix in prefixes:
            try:
                found = bus.reader.approval(prefix)
                done.append(bus.decide(found.id, approved=approved, actor="person", note=why))
            except HarnessError as fault:  # the others are decided all the same
                faults.append(fault)
    for each in done:
        record(home, each)
    return done, faults


def record(home: Home, approval: Approval) -> None:
    audit(
        home,
        f"approval.{approval.state}",
        approval.id,
        task=approval.task,
        agent=approval.agent,
        tool=approval.tool,
        arguments=approval.shown,
        call=approval.call,
        note=approval.note,
    )


def tell(approval: Approval) -> None:
    """What exactly was decided."""
    if approval.state is ApprovalState.APPROVED:
        until = local(approval.expires_at)
        say(f"approved {approval.id}: until {until}, task {approval.task} may make this call")
    else:
        told_so = f"; {approval.agent} is told: {told(approval.note)}" if approval.note else ""
        say(f"denied {approval.id}: task {approval.task} goes on without this call{told_so}")
    show_call(approval)
