"""The gate before every call: it goes through, waits for a person, or is turned away."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from harness.bus.port import Approval, ApprovalState, Bus, NotAsked, Question, Task
from harness.clock import Clock
from harness.permission.action import Action
from harness.permission.judge import Decision, judge
from harness.permission.policy import Policy
from harness.permission.taint import Taint
from harness.text.invisible import escaped
from harness.text.secrets import Redactor
from harness.tools.tool import ToolError

BEFORE_DEADLINE = timedelta(minutes=1)  # a task must be taken up again before it expires


class Denied(ToolError):
    """The call is not made; the message says why, and what the model can do instead."""


class Waits(Exception):
    """The call is not made yet: a person was asked."""

    def __init__(self, approval: Approval) -> None:
        super().__init__(approval.id)
        self.approval = approval


@dataclass(frozen=True)
class Asking:
    """How a person is asked."""

    attended: bool = True  # False: what would be asked about is not done
    patience: timedelta = timedelta(hours=12)  # how long a question stays open
    deliver: Sequence[str] = ()  # channels that tell him


class Gate:
    """Decides on the calls of one session."""

    def __init__(
        self,
        policy: Policy,
        taint: Taint,
        bus: Bus,
        task: Task,
        clock: Clock,
        *,
        asking: Asking | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self.policy = policy
        self.taint = taint
        self.bus = bus
        self.task = task
        self.clock = clock
        self.asking = asking or Asking()
        self.redactor = redactor or Redactor()

    async def enter(self, action: Action, call: str, arguments: dict[str, Any]) -> str:
        """Why the action may be done; `call` is its key. Raises Denied, Waits, LeaseLost."""
        verdict = judge(action, self.policy, self.taint)
        match verdict.decision:
            case Decision.ALLOW:
                return verdict.reason
            case Decision.DENY:
                raise Denied(
                    f"not done: {verdict.reason}. Do not try to get around it; go on"
                    " without it, and say so in your answer"
                )
            case Decision.ASK:
                return await self._ask(action, call, arguments, verdict.reason)

    async def _ask(self, action: Action, call: str, arguments: dict[str, Any], why: str) -> str:
        if not self.asking.attended:
            raise Denied(f"not done: {why}, and nobody is asked here. Go on without it")
        if self.redactor.value(arguments) != arguments:
            # the call outlives the wait in the transcript alone, and no secret stands there
            raise Denied(
                f"not done: {why}, and a person is not asked about a call with a secret in its"
                " arguments. Make it without the secret, or go on without it"
            )
        question = Question(
            tool=action.tool,
            call=call,
            shown=shown(arguments),
            reason=why,
            expires_at=self._open_until(),
            deliver=self.asking.deliver,
        )
        try:
            approval = await self.bus.ask_approval(self.task, question)
        except NotAsked as error:
            raise Denied(
                f"not done: {why}, and {error}. Go on without it, and say so in your answer"
            ) from error
        match approval.at(self.clock.now()):
            case ApprovalState.APPROVED:
                return f"approved by {approval.decided_by} ({approval.id})"
            case ApprovalState.PENDING:
                raise Waits(approval)
            case ApprovalState.DENIED:
                note = f": {approval.note}" if approval.note else ""
                raise Denied(f"a person said no to this call{note}. Do not make it; go on")
            case ApprovalState.EXPIRED:
                raise Denied(
                    "a person was asked about this call and did not answer in time."
                    " Go on without it, and say so in your answer"
                )

    def _open_until(self) -> datetime:
        now = self.clock.now()
        latest = now + self.asking.patience
        deadline = self.task.deadline
        return latest if deadline is None else min(latest, max(deadline - BEFORE_DEADLINE, now))


def shown(arguments: dict[str, Any]) -> str:
    """The exact arguments, in a form in which nothing in them can hide."""
    return escaped(json.dumps(arguments, ensure_ascii=False, default=str))
