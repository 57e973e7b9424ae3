"""A few mornings of the daemon among misfortunes; `make simulation` lives through whole days.

Each would find what it looks for: see the tests that break something.
"""

from __future__ import annotations

import pytest

from harness.models.ledger.call import Call, ModelLoad
from harness.models.ledger.ledger import Ledger
from harness.models.limits.limits import Limits
from harness.models.pool.held import Held
from tests.simulation.pool.figures import Figures
from tests.simulation.pool.run import lived
from tests.simulation.pool.verdict import Verdict

pytestmark = pytest.mark.simulation


def judged(seed: int, *, days: int = 1, clusters: int = 2, steady: bool = False) -> Figures:
    with lived(seed, days, clusters, steady=steady) as story:
        return Verdict(story).judge()


@pytest.mark.parametrize("seed", range(2))
def test_every_promise_of_the_pool_holds_whatever_happens(seed: int) -> None:
    figures = judged(seed)

    assert figures.done > 20
    assert figures.loads > 2


def test_what_the_daemon_holds_is_the_same_after_days() -> None:
    judged(7, days=2, clusters=1, steady=True)


# a simulation that finds no fault proves something only if it would find one


def test_a_slot_too_many_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Held, "begun", lambda held, slot: None)

    with pytest.raises(AssertionError, match="which has"):
        judged(0)


def test_a_reservation_that_is_never_given_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limits, "_release", lambda limits, reservation: True)

    with pytest.raises(AssertionError, match="reserved"):
        judged(0)


def test_a_load_that_nobody_writes_down_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    note = Ledger.note

    def forgetful(self: Ledger, entry: Call | ModelLoad) -> None:
        if isinstance(entry, Call):
            note(self, entry)

    monkeypatch.setattr(Ledger, "note", forgetful)

    with pytest.raises(AssertionError, match="are not in the ledger"):
        judged(0)
