"""Short texts that people type: cron lines, durations, endpoints, ids."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.bus.port import Request
from harness.bus.reader import Reader
from harness.bus.sync import SyncBus
from harness.clock import FakeClock
from harness.config.durations import LONGEST, DurationError, format_duration, parse_duration
from harness.config.endpoint import parse_endpoint
from harness.config.home import Home
from harness.config.keep_alive import keep_alive
from harness.cronline import Cronline, CronlineError
from harness.errors import NotFound
from harness.ids import Ids
from harness.text.surrogates import is_whole
from tests.fuzz.effort import EFFORT, bounded
from tests.fuzz.strategies import json_values, long_text, odd_text

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
texts = st.one_of(odd_text, long_text)
pieces = st.sampled_from(
    [*"0123456789*/,-?#LW@", "mon", "jan", "60", "1-5", "5-1", "*/0", "99999", " ", "\t", "\u0665"]
)
lines = st.one_of(
    texts,
    st.lists(pieces, max_size=12).map("".join),
    st.lists(st.lists(pieces, max_size=4).map("".join), min_size=5, max_size=5).map(" ".join),
)


@EFFORT
@given(line=lines, zone=st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]))
@example(line="0 0 29 2 *", zone="UTC")
def test_any_cron_line_fires_in_order_or_is_refused_with_its_place(line: str, zone: str) -> None:
    with bounded():
        try:
            slots = list(islice(Cronline.parse(line).slots(ZoneInfo(zone), NOW), 5))
        except CronlineError as refusal:
            place = (refusal.offset, refusal.width)
        else:
            assert slots == sorted(set(slots))
            assert all(slot > NOW for slot in slots)
            return

    assert 0 <= place[0] <= len(line)
    assert place[1] >= 1


spans = st.lists(
    st.tuples(st.sampled_from(["", "0", "1", "90", "\u0661", "9" * 20, "9" * 5000]), pieces)
).map(lambda parts: "".join(number + unit for number, unit in parts))


@EFFORT
@given(text=st.one_of(texts, spans, st.from_regex(r"(\d+[dhms]){1,4}", fullmatch=True)))
def test_any_text_is_a_duration_or_is_refused_in_few_words(text: str) -> None:
    try:
        with bounded():
            span = parse_duration(text)
    except DurationError as refusal:
        said = str(refusal)
    else:
        assert timedelta(0) <= span <= LONGEST
        assert parse_duration(format_duration(span)) == span
        return

    assert len(said) < 100


@EFFORT
@given(text=st.one_of(texts, st.builds("{}:{}".format, odd_text, st.integers())))
@example(text="[::1]:" + "9" * 5000)
def test_any_text_is_an_endpoint_or_is_refused_in_few_words(text: str) -> None:
    try:
        with bounded():
            host, port = parse_endpoint(text)
    except ValueError as refusal:
        said = str(refusal)
    else:
        assert host
        assert 0 < port < 65536
        return

    assert len(said) < 1000


@EFFORT
@given(value=st.one_of(json_values(), st.from_regex(r"[+-]?\d+(\.\d+)?(ms|s|m|h)?")))
@example(value=10**400)
@example(value=float("nan"))
def test_any_value_is_a_time_to_keep_a_model_or_is_refused(value: object) -> None:
    try:
        with bounded():
            kept = keep_alive(value)
    except ValueError:
        return

    assert isinstance(kept, str | float)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    home = Home(tmp_path_factory.mktemp("home"))
    clock = FakeClock()
    with SyncBus(home, clock, Ids(clock)) as bus:
        bus.request(Request("scout", "Look."))
        bus.request(Request("scout", "Listen."))
    with Reader(home.database) as reader:
        yield reader


@EFFORT
@given(prefix=texts.filter(is_whole))  # the command line refuses the others
@example(prefix="")
@example(prefix="%")
@example(prefix="\0")
def test_any_text_is_the_id_of_a_task_or_of_none(reader: Reader, prefix: str) -> None:
    try:
        with bounded():
            task = reader.get(prefix)
    except NotFound:
        return

    assert task.id.startswith(prefix.upper())
