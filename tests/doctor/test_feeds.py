"""Feeds that died, as the cache remembers them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from harness.clock import FakeClock, stamp
from harness.config.home import Home
from harness.doctor.finding import Level
from harness.tools.feed_cache import FeedCache, FeedRecord
from tests.doctor.conftest import Look

pytestmark = pytest.mark.usefixtures("scout")


def remember(home: Home, clock: FakeClock, name: str, days: float | None, failures: int) -> str:
    """A feed of the agent's that answered `days` ago for the last time."""
    url = f"https://{name}.example/feed"
    with home.sources_file("scout").open("a") as file:
        file.write(f'- {{name: {name}, url: "{url}"}}\n')
    last = stamp(clock.now() - timedelta(days=days)) if days is not None else None
    record = FeedRecord(url, last_success=last, failures=failures, last_error="404 Not Found")
    FeedCache(home.cache / "feeds").store(record)
    return url


def test_feeds_that_answer_or_fail_for_a_day_are_fine(
    look: Look, home: Home, clock: FakeClock
) -> None:
    remember(home, clock, "good", 0.1, 0)
    remember(home, clock, "moody", 1.5, 9)
    remember(home, clock, "quiet", 30, 0)

    assert look("feeds") == []


def test_each_feed_that_died_is_named_with_its_last_error(
    look: Look, home: Home, clock: FakeClock
) -> None:
    remember(home, clock, "good", 0.1, 0)
    url = remember(home, clock, "sad", 4, 12)
    remember(home, clock, "wrong", None, 5)

    sad, wrong = look("feeds")

    assert sad.level is Level.WARNING
    assert sad.message == (
        "the feed sad failed 12 times in a row, and gave nothing since 2025-12-28: 404 Not Found"
    )
    assert sad.fix == f"look at it: curl -I {url}; or edit {home.sources_file('scout')}"
    assert "the feed wrong failed 5 times in a row, and never gave anything" in wrong.message


def test_a_feed_that_is_gone_for_good_is_told_at_once(
    look: Look, home: Home, clock: FakeClock
) -> None:
    url = remember(home, clock, "old", 1, 1)
    FeedCache(home.cache / "feeds").store(FeedRecord(url, failures=1, gone=True))

    (found,) = look("feeds")

    assert found.message == f"the feed old is gone for good: {url} answered 410"
    assert f"edit {home.sources_file('scout')}: remove old" in str(found.fix)


def test_without_a_network_it_is_one_finding_and_not_forty(
    look: Look, home: Home, clock: FakeClock
) -> None:
    for name in ("a", "b", "c", "d"):
        remember(home, clock, name, 3, 7)

    (found,) = look("feeds")

    assert found.message == "none of the 4 feeds answers: 404 Not Found"


def test_a_feed_that_nobody_reads_any_more_is_nobodys_concern(
    look: Look, home: Home, clock: FakeClock
) -> None:
    remember(home, clock, "sad", 4, 12)
    home.sources_file("scout").write_text("[]\n")

    assert look("feeds") == []
