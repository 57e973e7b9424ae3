"""The JSON shapes that scripts rely on (docs/cli.md)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from harness.bus.port import Approval, Event, Result, Slot, Task
from harness.bus.routed import KEY
from harness.bus.runs import run_of
from harness.cli.output import iso


def task_shape(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "agent": task.agent,
        "routed": task.payload.get(KEY),
        "from": task.sender,
        "title": task.title,
        "prompt": task.prompt,
        "state": task.state,
        "outcome": task.outcome,
        "attempt": task.attempt,
        "max_attempts": task.max_attempts,
        "priority": task.priority,
        "key": task.key,
        "parent": task.parent,
        "root": task.root,
        "job": task.job,
        "created_at": iso(task.created_at),
        "updated_at": iso(task.updated_at),
        "not_before": iso(task.not_before),
        "lease_until": iso(task.lease_until),
        "owner": task.owner,
        "deliver": list(task.deliver),
        "delivered_at": iso(task.delivered_at),
        "result": result_shape(task.result),
        "error": task.error,
    }


def result_shape(result: Result | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {
        "text": result.text,
        "data": result.data,
        "artifacts": list(result.artifacts),
        "tokens": dict(result.tokens),
        "model": result.model,
        "steps": result.steps,
        "degraded": result.degraded,
    }


def event_shape(event: Event) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "state": event.state,
        "outcome": event.outcome,
        "attempt": event.attempt,
        "actor": event.actor,
        "at": iso(event.at),
        "note": event.note,
    }


def approval_shape(approval: Approval, now: datetime, *, is_open: bool) -> dict[str, Any]:
    return {
        "id": approval.id,
        "state": approval.at(now),
        "open": is_open,
        "agent": approval.agent,
        "task": approval.task,
        "tool": approval.tool,
        "arguments": approval.shown,
        "call": approval.call,
        "reason": approval.reason,
        "asked_at": iso(approval.asked_at),
        "expires_at": iso(approval.expires_at),
        "decided_at": iso(approval.decided_at),
        "decided_by": approval.decided_by,
        "note": approval.note,
    }


def slot_shape(slot: Slot) -> dict[str, Any]:
    run = run_of(slot)
    return {
        "job": slot.job,
        "slot": iso(slot.slot),
        "status": slot.status,
        "fired_at": iso(slot.fired_at),
        "lateness_ms": round(slot.lateness.total_seconds() * 1000),
        "task": slot.task,
        "note": slot.note,
        "count": run.count,
        "first": iso(run.first),
    }
