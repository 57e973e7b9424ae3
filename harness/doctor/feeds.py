"""The feeds: those that agents read and that have not answered for a long time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from harness.clock import unstamp
from harness.config.sources import read_sources
from harness.doctor.finding import Finding, Level
from harness.doctor.patient import Patient
from harness.tools.feed_cache import FeedCache, FeedRecord

FAILURES = 5  # in a row
LONG = timedelta(days=2)  # without a good answer
MANY = 3  # feeds that fail alike are rather one fault of the network


@dataclass(frozen=True)
class Feed:
    """One source of an agent, and what is remembered of it."""

    name: str
    file: Path
    record: FeedRecord


def feeds(patient: Patient) -> Iterator[Finding]:
    """Every feed that was read gives answers."""
    read = list(feeds_of(patient))
    gone = [feed for feed in read if feed.record.gone]
    silent = [feed for feed in read if not feed.record.gone and is_silent(feed.record, patient)]
    for feed in gone:
        yield Finding(
            Level.WARNING,
            f"the feed {feed.name} is gone for good: {feed.record.url} answered 410",
            f"edit {feed.file}: remove {feed.name}, or give its new address",
        )
    if len(silent) >= MANY and len(silent) == len(read) - len(gone):
        yield Finding(
            Level.WARNING,
            f"none of the {len(silent)} feeds answers: {silent[0].record.last_error}",
            f"see whether the network is there: curl -I {silent[0].record.url}",
        )
        return
    for feed in silent:
        last = feed.record.last_success
        gave = f"gave nothing since {last[:10]}" if last else "never gave anything"
        yield Finding(
            Level.WARNING,
            f"the feed {feed.name} failed {feed.record.failures} times in a row, and {gave}:"
            f" {feed.record.last_error}",
            f"look at it: curl -I {feed.record.url}; or edit {feed.file}",
        )


def feeds_of(patient: Patient) -> Iterator[Feed]:
    """Each address once; what is no longer in a file of sources is nobody's concern."""
    known = {record.url: record for record in FeedCache(patient.home.cache / "feeds").health()}
    for agent in sorted(patient.crew.profiles):
        file = patient.home.sources_file(agent)
        for source in read_sources(file).entries:
            if (record := known.pop(source.url, None)) is not None:
                yield Feed(source.name, file, record)


def is_silent(record: FeedRecord, patient: Patient) -> bool:
    last = record.last_success
    recently = last is not None and patient.now - unstamp(last) < LONG
    return record.failures >= FAILURES and not recently
