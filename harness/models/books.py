"""The books: what a call is looked up in, charged to and written down in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.models.cache.cache import Ask, Cache
from harness.models.cache.question import Respondent
from harness.models.ledger.ledger import Ledger, NoLedger
from harness.models.limits.amount import Amount
from harness.models.limits.limits import Limits, Reservation, Wanted
from harness.models.port import ChatRequest, Reply, Usage


class NoCache:
    """Where every question is asked."""

    async def answer(self, who: Respondent, request: ChatRequest, ask: Ask) -> Reply:
        return await ask()


@dataclass(frozen=True)
class Books:
    """What all models of a house share. The default keeps nothing and refuses nothing."""

    ledger: Ledger | NoLedger = field(default_factory=NoLedger)
    limits: Limits | None = None
    cache: Cache | NoCache = field(default_factory=NoCache)

    def reserve(self, wanted: Wanted) -> Reservation | None:
        """Raises OverLimit."""
        return self.limits.reserve(wanted) if self.limits else None

    def settle(
        self,
        reservation: Reservation | None,
        usage: Usage,
        timings: Mapping[str, float] | None = None,
    ) -> Amount:
        """What the call really took; see Limits.settle."""
        if self.limits is None or reservation is None:
            return Amount()
        return self.limits.settle(reservation, usage, timings)

    def free(self, reservation: Reservation | None) -> None:
        if self.limits is not None and reservation is not None:
            self.limits.free(reservation)
