"""Tasks that have come to their end, made without a bus."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.bus.port import Outcome, Priority, Result, State, Task

ASKED = datetime(2026, 1, 30, 15, 30, tzinfo=UTC)  # 07:30 in Los Angeles

DIGEST = Task(
    id="01KG7ZQ3M0ABCDEFGHJKMNPQRS",
    agent="ainews",
    lane="ainews",
    sender="cron",
    title="Morning digest.",
    prompt="Morning digest.",
    state=State.FINAL,
    outcome=Outcome.DONE,
    attempt=1,
    max_attempts=6,
    priority=Priority.P1,
    key=None,
    parent=None,
    root="01KG7ZQ3M0ABCDEFGHJKMNPQRS",
    job="ainews-morning",
    created_at=ASKED,
    updated_at=ASKED + timedelta(minutes=3),
    not_before=ASKED,
    deadline=None,
    timeout=timedelta(minutes=20),
    lease_until=None,
    owner=None,
    result=Result(
        text="# AI news\n\n1. [A model](https://example.org/a) was released.",
        tokens={"prompt": 1200, "completion": 300},
        model="ollama/qwen3:8b",
    ),
    error=None,
    deliver=("archive",),
    callback=False,
    payload={},
)


def final(text: str | None = None, *, degraded: bool = False, **changes: Any) -> Task:
    """The digest of a morning, with `changes`; `text` None leaves its text alone."""
    assert DIGEST.result is not None
    words = DIGEST.result.text if text is None else text
    model = "extractive" if degraded else DIGEST.result.model
    result = replace(DIGEST.result, text=words, degraded=degraded, model=model)
    return replace(DIGEST, **{"result": result, **changes})
