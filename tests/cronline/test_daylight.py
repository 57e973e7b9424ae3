"""Every half hour as a daily, weekly and monthly job, where clocks are changed.

The whole matrix over two years is `python -m tests.cronline.daylight`.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from tests.cronline import daylight
from tests.cronline.daylight import BEGIN, END, ZONES, changes, compare, in_short

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("name", ZONES)
def test_every_half_hour_is_the_oracles(name: str) -> None:
    tally = in_short(ZoneInfo(name))

    assert tally.differences == ()
    assert tally.slots >= 48 * 4 * 6


def test_the_zones_change_their_clocks_in_these_years() -> None:
    assert [len(changes(ZoneInfo(name))) for name in ZONES] == [4] * 11 + [0]


def test_a_difference_would_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = daylight.oracle
    monkeypatch.setattr(daylight, "oracle", lambda *given: oracle(*given)[:-1])

    tally = compare("30 2 * * *", BERLIN, [(BEGIN, END)])

    assert tally.differences == ("Europe/Berlin `30 2 * * *` 2027-12-31T02:30:00+01:00: only ours",)
