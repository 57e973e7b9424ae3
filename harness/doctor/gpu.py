"""The graphics cards of this machine, as their driver's own program tells of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.children import child_environment

PROGRAM = "nvidia-smi"
QUESTION = ("--query-gpu=name,memory.used,memory.total", "--format=csv,noheader,nounits")
SECONDS = 10.0  # a card that was asleep takes a few
MIB = 1 << 20


@dataclass(frozen=True)
class Gpu:
    """One card. Sizes in bytes."""

    name: str
    used: int
    total: int


@dataclass(frozen=True)
class Gpus:
    """What there is, or why nothing is known though there is a driver."""

    found: tuple[Gpu, ...] = ()
    trouble: str | None = None


def gpus(path: str, proc: Path) -> Gpus:
    """The cards, by the programs of `path`; nothing at all where there is no driver."""
    program = shutil.which(PROGRAM, path=path)
    driver = (proc / "driver" / "nvidia" / "version").exists()
    if program is None:
        return Gpus(trouble=f"there is a GPU's driver, and no {PROGRAM}") if driver else Gpus()
    try:
        asked = subprocess.run(
            [program, *QUESTION],
            env=child_environment(os.environ),
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Gpus(trouble=f"{PROGRAM} does not answer: {error}")
    if asked.returncode:
        said = " ".join((asked.stderr or asked.stdout).split())
        return Gpus(trouble=f"{PROGRAM} failed: {said}") if driver else Gpus()
    return Gpus(tuple(read(asked.stdout)))


def read(table: str) -> Iterator[Gpu]:
    """Raises nothing for a card that does not tell its memory: it is left out."""
    for line in table.splitlines():
        with suppress(ValueError):
            name, used, total = (part.strip() for part in line.rsplit(",", 2))
            yield Gpu(name, int(used) * MIB, int(total) * MIB)
