"""How hard the fuzzing tries, and how much one example may cost.

`make test` tries the same few examples each time; `make fuzz` sets FUZZ_EXAMPLES and tries as many
new ones for each test.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from hypothesis import HealthCheck, Phase, settings

FEW = 60
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES") or 0)
SECONDS = 2.0  # of work, for inputs that take milliseconds when nothing is wrong
BYTES = 1 << 30  # of address space, beyond what the process has

EFFORT = settings(
    max_examples=EXAMPLES or FEW,
    derandomize=not EXAMPLES,
    phases=tuple(Phase)
    if EXAMPLES
    else (Phase.explicit, Phase.generate),  # shrinking takes minutes
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class OutOfTime(BaseException):
    """No `except Exception` of the code under test catches this."""


@contextmanager
def bounded() -> Iterator[None]:
    """The block ends in time and in memory, or the test fails."""
    before = signal.signal(signal.SIGPROF, out_of_time)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (address_space() + BYTES, limits[1]))
    try:
        yield
    except (OutOfTime, MemoryError) as error:
        raise AssertionError(f"this input costs too much: {error}") from error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        resource.setrlimit(resource.RLIMIT_AS, limits)


def out_of_time(number: int, frame: FrameType | None) -> None:
    raise OutOfTime(f"{SECONDS:g} s of work were not enough")


def address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()
