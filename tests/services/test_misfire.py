"""The misfire rule, on its own."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bus.port import SlotStatus
from harness.config.cronfile import Misfire
from harness.services.misfire import PUNCTUAL, verdict

spans = st.timedeltas(timedelta(0), timedelta(days=3))


@pytest.mark.parametrize(
    ("misfire", "newest", "status"),
    [
        (Misfire.SKIP, True, SlotStatus.MISSED),
        (Misfire.ONCE, True, SlotStatus.FIRED),
        (Misfire.ONCE, False, SlotStatus.MISSED),
        (Misfire.ALL, False, SlotStatus.FIRED),
    ],
)
def test_a_late_slot_within_its_grace_goes_by_the_policy(
    misfire: Misfire, newest: bool, status: SlotStatus
) -> None:
    late, grace = timedelta(minutes=20), timedelta(hours=1)

    assert verdict(late, newest=newest, misfire=misfire, grace=grace) is status


@given(late=spans, grace=spans, newest=st.booleans(), misfire=st.sampled_from(Misfire))
def test_punctual_slots_fire_and_none_fires_beyond_its_grace(
    late: timedelta, grace: timedelta, newest: bool, misfire: Misfire
) -> None:
    status = verdict(late, newest=newest, misfire=misfire, grace=grace)

    if late <= PUNCTUAL:
        assert status is SlotStatus.FIRED
    elif late > grace:
        assert status is SlotStatus.MISSED
