"""How much of a GPU's memory a loaded model takes.

    weights   = the file, else parameters × bits / 8
    KV cache  = layers × slots × context × KV heads × (key + value length) × bytes of a number;
                of a layer with a sliding window: slots × window + batch for slots × context
    graph     = 4 × batch × (embedding + vocabulary); without flash attention at least
                4 × batch × (1 + 4 × embedding + slots × context × (1 + heads))
    runtime   = what the GPU's driver keeps for each process

The formulas of KV cache and graph are those of Ollama's own estimate (fs/ggml/ggml.go, GraphSize)
for a model that is whole on the GPU. All experts of a mixture are loaded, so it takes as much as a
dense model of all its parameters; only its speed is that of the active ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.models.plan.shape import GLOBAL_EVERY, Shape

BATCH = 512  # tokens of a prompt at a time (Ollama's num_batch)
RUNTIME = 450 << 20  # bytes; a CUDA context with its kernels: assumed, cards differ by 200 MiB
FORMULAS = __doc__.partition("\n\n")[2].partition("\n\nThe formulas")[0] if __doc__ else ""


@dataclass(frozen=True)
class Footprint:
    """Bytes, by what takes them."""

    weights: int
    kv: int
    graph: int
    runtime: int = RUNTIME

    @property
    def total(self) -> int:
        return self.weights + self.kv + self.graph + self.runtime


def footprint(shape: Shape, context: int, slots: int, kv_bytes: float = 2.0) -> Footprint:
    """What the model takes with that many tokens of context for each of its slots."""
    context = min(context, shape.context)
    return Footprint(
        shape.weights, kv_cache(shape, context, slots, kv_bytes), graph(shape, context, slots)
    )


def kv_cache(shape: Shape, context: int, slots: int, kv_bytes: float = 2.0) -> int:
    """Bytes of the KV cache of all slots together."""
    numbers = shape.kv_heads * (shape.key_length + shape.value_length)
    every = GLOBAL_EVERY.get(shape.family) if shape.window else None
    whole = shape.layers if every is None else shape.layers // every
    seen = slots * (shape.window or 0) + BATCH
    near = (shape.layers - whole) * min(seen, slots * context)
    return round((whole * slots * context + near) * numbers * kv_bytes)


def graph(shape: Shape, context: int, slots: int) -> int:
    """Bytes for the intermediate values of one batch."""
    logits = 4 * BATCH * (shape.embedding + shape.vocabulary)
    if shape.flash:
        return logits
    attention = 4 * BATCH * (1 + 4 * shape.embedding + slots * context * (1 + shape.heads))
    return max(logits, attention)


def bytes_read(shape: Shape, filled: int, kv_bytes: float = 2.0) -> float:
    """Bytes that writing one token reads: the active weights, and the KV cache of `filled` tokens.
    Memory bandwidth divided by it is the most tokens a second that one slot can write."""
    share = shape.active / shape.parameters
    return shape.weights * share + kv_cache(shape, filled, 1, kv_bytes)
