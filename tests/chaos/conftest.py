"""The same house as in the flows, with the real time in it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harness.clock import FakeClock
from tests.flows.conftest import feeds, house

__all__ = ["clock", "feeds", "house"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime.now(UTC))
