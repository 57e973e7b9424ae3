"""What finished jobs hand over to the one that waited for them (`after` in cron.yaml).

It stands in the payload of the waiting job's request, written with it in one transaction: a
crash, a purge or a later run of those jobs changes nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KEY = "after"  # of the payload
ID = "after-"  # before the job's name: under which `read_result` finds the whole text


@dataclass(frozen=True)
class Handed:
    """What became of one job, and its answer."""

    job: str
    agent: str  # empty when the job did not fire
    slot: str  # ISO-8601, in the zone of the job that waited
    ended: str  # `done`, `failed: why`, `missed: why`: for a reader, in one line
    task: str | None
    text: str
    outside: Sequence[str] = ()  # whose words its session had read
    private: bool = False  # and the house's own words are in it all the same

    @property
    def id(self) -> str:
        return f"{ID}{self.job}"


def payload_of(handed: Iterable[Handed]) -> dict[str, Any]:
    """The payload of a request that hands this over."""
    return {KEY: [vars(each) for each in handed]}


def handed_in(payload: Mapping[str, Any]) -> tuple[Handed, ...]:
    """What a payload hands over; mostly nothing."""
    rows = payload.get(KEY, ())
    return tuple(Handed(**{**each, "outside": tuple(each.get("outside", ()))}) for each in rows)
