"""The rest of an endpoint that failed: how long it is left alone, and who tries it first after."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from harness.clock import Clock
from harness.models.port import ModelBusy, ModelUnavailable

FIRST_REST = 60.0  # seconds; each further failure doubles it
LONGEST_REST = 600.0

NEVER = float("-inf")


class Rest:
    """What is known of one endpoint, for all who may ask it.

    While it is well, everybody asks it. Once it failed, nobody does for `FIRST_REST` seconds;
    then one caller tries, and until that is decided the others do without. A failed try doubles
    the rest, up to `LONGEST_REST`; an answer ends it.
    """

    def __init__(self, clock: Clock) -> None:
        self.error: ModelUnavailable | None = None  # the latest failure since the last answer
        self._clock = clock
        self._until = NEVER
        self._failures = 0
        self._trial: Call | None = None  # of the one caller who tries it after its rest

    @property
    def is_open(self) -> bool:
        """Whether a caller would be let in now."""
        return self._trial is None and self._clock.monotonic() >= self._until

    def call(self) -> Call | None:
        """Leave to ask, to be entered at once; None while it rests, or somebody tries it."""
        return self._admit() if self.is_open else None

    async def last_call(self) -> Call | None:
        """Leave to ask although it rests, for who has nobody else to ask.

        Who comes while somebody tries it waits for what comes of that; None: it failed again.
        """
        while trial := self._trial:
            await trial.over.wait()
            if trial.failed:
                return None
        return self._admit()

    def wake(self) -> None:
        """It can be asked again, as far as one can see from outside."""
        self._until = NEVER

    def looks_well(self) -> None:
        """Seen from outside it is back: its rest is over, and the next caller tries it."""
        self._until = min(self._until, self._clock.monotonic())

    def answered(self) -> None:
        """It is well: nothing of before counts any more."""
        self.error, self._until, self._failures = None, NEVER, 0

    def failed(self, error: ModelUnavailable, began: float | None = None) -> None:
        """It was away for a call that began then. One that began before the rest, or during it,
        makes the rest no longer: many calls that break together are one failure."""
        now = self._clock.monotonic()
        self.error = error
        if (now if began is None else began) >= self._until:
            self._failures += 1
            self._until = now + self._seconds(error)

    def decided(self, call: Call) -> None:
        """The call is no trial any more, whatever came of it."""
        if self._trial is call:
            self._trial = None

    def _admit(self) -> Call:
        call = Call(self, self._clock.monotonic())
        if self._until > NEVER:
            self._trial = call
        return call

    def _seconds(self, error: ModelUnavailable) -> float:
        grown: float = FIRST_REST * 2 ** min(self._failures - 1, 10)
        asked = (error.after or 0.0) if isinstance(error, ModelBusy) else 0.0
        return min(max(grown, asked), LONGEST_REST)


class Call:
    """One caller's leave to ask. How the block in it ends is what it tells the others."""

    def __init__(self, rest: Rest, began: float) -> None:
        self.over = asyncio.Event()  # nobody has to wait for it any more
        self.failed = False
        self._rest = rest
        self._began = began

    def heard(self) -> None:
        """The endpoint speaks: nobody has to wait for its whole answer to know that it is well."""
        if not self.over.is_set():
            self._rest.answered()
            self._decide()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._rest.answered()
        elif isinstance(error, ModelUnavailable):
            self.failed = True
            self._rest.failed(error, self._began)
        self._decide()

    def _decide(self) -> None:
        self._rest.decided(self)
        self.over.set()
