"""Which models fit into a memory together, and how many slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from harness.models.plan.footprint import footprint
from harness.models.plan.shape import Shape

FREE_SHARE = (
    0.8  # of the free memory that a model may be predicted to take (Ollama, server/sched.go)
)
MOST_SLOTS = 64


def fits(needs: Sequence[int], memory: int) -> bool:
    """Whether models of those sizes can be loaded one after another, the largest first, whole on
    the GPU and without one being unloaded."""
    first, *others = sorted(needs, reverse=True) or [0]
    free = memory - first
    for need in others:
        if need > FREE_SHARE * free:
            return False
        free -= need
    return free >= 0


def together(needs: Mapping[str, int], memory: int, most: int) -> list[tuple[str, ...]]:
    """The largest sets of at most `most` models that fit together; none is part of another."""
    found: list[frozenset[str]] = []
    for size in range(min(most, len(needs)), 0, -1):
        for names in combinations(needs, size):
            chosen = frozenset(names)
            is_part = any(chosen < larger for larger in found)
            if not is_part and fits([needs[name] for name in names], memory):
                found.append(chosen)
    return [tuple(name for name in needs if name in chosen) for chosen in found]


def slots_within(
    shape: Shape, context: int, memory: int, others: Sequence[int] = (), kv_bytes: float = 2.0
) -> int:
    """How many slots the model can have beside `others`: as many sessions at a time it carries."""
    for slots in range(1, MOST_SLOTS + 1):
        need = footprint(shape, context, slots, kv_bytes).total
        if not fits([*others, need], memory):
            return slots - 1
    return MOST_SLOTS
