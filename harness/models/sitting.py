"""One metered call while it lasts: what is heard of it, and how it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.clock import Clock
from harness.models.books import Books
from harness.models.ledger.call import Call, CallOutcome
from harness.models.limits.limits import Reservation
from harness.models.port import (
    CHARS_PER_TOKEN,
    BadReply,
    OnDelta,
    Reply,
    Usage,
    estimate_tokens,
)

SLACK_SECONDS = 60.0  # by which two clocks may differ over one call


class Sitting:
    """Writes its row when it begins, when it is sent back, and once when it ends."""

    def __init__(
        self,
        books: Books,
        clock: Clock,
        call: Call,
        held: Reservation | None,
        on_delta: OnDelta | None,
    ) -> None:
        self.books = books
        self.clock = clock
        self.call = call
        self.held = held
        self.on_delta = on_delta
        self.begun = clock.monotonic()
        self.first: float | None = None
        self.characters = 0
        self.void = Usage()  # of what had to begin anew
        books.ledger.note(call)

    def hear(self, delta: str | None) -> None:
        """A piece of the answer on its way to who asked."""
        if delta is None:
            self._sent_back()
        elif self.first is None:
            self.first = self.clock.monotonic()
        self.characters += len(delta or "")
        if self.on_delta is not None:
            self.on_delta(delta)

    def answered(self, reply: Reply, *, free: bool) -> None:
        usage = Usage() if free else reply.usage
        timings = self._believed(reply.timings)
        took = self.books.settle(
            self.held,
            added(self.void, usage),
            None if self.void.estimated else timings,
        )
        self._end(
            usage,
            model=reply.model,
            host=reply.host,
            why=reply.why,
            queue_s=timings.get("queue", 0.0),
            load_s=timings.get("load", 0.0),
            prompt_s=timings.get("prompt", 0.0),
            eval_s=timings.get("eval", 0.0),
            gpu_s=took.gpu,
            money=took.money,
            outcome=CallOutcome.DONE,
        )

    def failed(self, error: BaseException) -> None:
        more = estimate_tokens(error.raw) if isinstance(error, BadReply) else 0
        self.broke_off(CallOutcome.FAILED, type(error).__name__, more)

    def broke_off(self, outcome: CallOutcome, error: str, written: int = 0) -> None:
        """An end without a reply. Where nothing was heard nothing is charged: whether the model
        read the prompt is not known then."""
        usage = self._heard(written)
        whole = added(self.void, usage)
        if not whole.prompt:
            self.books.free(self.held)
            self._end(usage, outcome=outcome, error=error)
            return
        took = self.books.settle(self.held, whole)
        self._end(usage, outcome=outcome, error=error, gpu_s=took.gpu, money=took.money)

    def _believed(self, timings: Mapping[str, float]) -> Mapping[str, float]:
        """No part of a call took longer than the call: a server's lie would use up the day."""
        most = self.clock.monotonic() - self.begun + SLACK_SECONDS
        return {name: min(seconds, most) for name, seconds in timings.items()}

    def _heard(self, written: int = 0) -> Usage:
        """What was surely used, by estimate."""
        written = max(written, round(self.characters / CHARS_PER_TOKEN))
        if self.first is None and not written:
            return Usage()
        return Usage(self.call.prompt_tokens, written, estimated=True)

    def _sent_back(self) -> None:
        usage = self._heard()
        self.void = replace(added(self.void, usage), estimated=True)
        again = replace(self.call, id=self.books.ledger.ids(), at=self.clock.now())
        self._end(usage, outcome=CallOutcome.SENT_BACK)
        self.call, self.begun, self.first, self.characters = again, self.clock.monotonic(), None, 0
        self.books.ledger.note(again)

    def _end(self, usage: Usage, **known: object) -> None:
        self.books.ledger.note(
            replace(
                self.call,
                prompt_tokens=usage.prompt,
                completion_tokens=usage.completion,
                estimated=usage.estimated,
                first_s=None if self.first is None else self.first - self.begun,
                total_s=self.clock.monotonic() - self.begun,
                **known,  # type: ignore[arg-type]
            )
        )


def added(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.prompt + other.prompt,
        one.completion + other.completion,
        one.estimated or other.estimated,
    )
