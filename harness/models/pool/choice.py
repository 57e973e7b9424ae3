"""Which call goes next, and which model is loaded for it. Pure; docs/pool.md has the rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from harness.models.pool.view import HostView, Line, Load, Rules, Spec, Verdict


def choose(
    lines: Collection[Line], hosts: Collection[HostView], now: float, rules: Rules
) -> Verdict | None:
    """The next thing to do, or None when there is nothing to do now.

    Ask again after it is done, until None. What the pool does with a verdict:
    Run: takes the next call of the line (Lines.take), begins it; the resident is no more draining.
    Drain: marks the residents in `evict` as draining. SendBack: marks the calls as leaving.
    Load: unloads `evict`, sets `loading`; when it is loaded, a Resident with `served` 0.
    """
    return None


def wake_at(
    lines: Collection[Line], hosts: Collection[HostView], now: float, rules: Rules
) -> float | None:
    """When time alone changes what `choose` says; None: never before something happens."""
    return None


def contended(lines: Collection[Line], hosts: Collection[HostView]) -> frozenset[str]:
    """The hosts that a line waits for whose model is nowhere loaded where it may run.

    The pool counts `Resident.served` while its host is in here, and sets it to 0 when it is not.
    """
    return frozenset()


def prefetch(
    line: Line,
    dues: Mapping[Spec, float],
    lines: Collection[Line],
    hosts: Collection[HostView],
    now: float,
) -> Load | None:
    """How to load a model before its calls come, at a time when that keeps nobody waiting."""
    return None
