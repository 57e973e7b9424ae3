"""What a server has: models on its disk, by their shape, size and speed, and its settings."""

from __future__ import annotations

from dataclasses import dataclass

GIB = 1 << 30
FOREVER = float("inf")
SHARE_THAT_FITS = 0.8  # of the free memory; what would take more makes others leave first
CPU_SLOWNESS = 10.0  # of the part of a model that is not on the GPU
ONE_SLOT = frozenset(
    {"qwen3vl", "qwen35", "qwen3next", "lfm2", "nemotron_h", "mllama"}
)  # families that take one call at a time, whatever OLLAMA_NUM_PARALLEL says


@dataclass(frozen=True)
class Shape:
    """What /api/show tells of a model's inside, under the names of GGUF."""

    family: str  # general.architecture
    blocks: int
    embedding: int
    heads: int
    kv_heads: int
    feed_forward: int
    parameters: int
    quantization: str = "Q4_K_M"
    key_length: int | None = None  # None: the file has none, it is embedding / heads
    experts: int = 0
    experts_used: int = 0

    @property
    def kv_bytes_per_token(self) -> int:
        """Keys and values of all layers, two bytes each (OLLAMA_KV_CACHE_TYPE f16)."""
        length = self.key_length or self.embedding // self.heads
        return 2 * 2 * self.blocks * self.kv_heads * length

    def info(self, context: int) -> dict[str, object]:
        """`model_info` of /api/show."""
        own = {
            "block_count": self.blocks,
            "context_length": context,
            "embedding_length": self.embedding,
            "feed_forward_length": self.feed_forward,
            "attention.head_count": self.heads,
            "attention.head_count_kv": self.kv_heads,
        }
        if self.key_length is not None:
            own |= {"attention.key_length": self.key_length}
            own |= {"attention.value_length": self.key_length}
        if self.experts:
            own |= {"expert_count": self.experts, "expert_used_count": self.experts_used}
        named = {f"{self.family}.{name}": value for name, value in own.items()}
        general = {
            "general.architecture": self.family,
            "general.parameter_count": self.parameters,
            "general.quantization_version": 2,
        }
        return general | named

    def details(self) -> dict[str, object]:
        """`details`, as /api/show, /api/tags and /api/ps have them."""
        size = self.parameters
        return {
            "parent_model": "",
            "format": "gguf",
            "family": self.family,
            "families": [self.family],
            "parameter_size": f"{size / 1e9:.1f}B" if size >= 1e9 else f"{size / 1e6:.2f}M",
            "quantization_level": self.quantization,
        }


QWEN3_8B = Shape("qwen3", 36, 4096, 32, 8, 12_288, 8_190_735_360, key_length=128)


@dataclass(frozen=True)
class Weights:
    """A model on the disk of the server. Speeds are seconds for a token, all of it on the GPU."""

    name: str
    size: int = 5 * GIB
    trained_context: int = 131_072
    capabilities: tuple[str, ...] = ("completion", "tools")
    load_seconds: float = 0.0
    kv_bytes_per_token: int = 0
    prompt_seconds: float = 0.0  # for each token that is not in the slot's cache
    token_seconds: float = 0.0  # for each token written
    shape: Shape = QWEN3_8B

    @property
    def full_name(self) -> str:
        return self.name if ":" in self.name else f"{self.name}:latest"

    @property
    def takes_one_call(self) -> bool:
        return "embedding" in self.capabilities or self.shape.family in ONE_SLOT


@dataclass(frozen=True)
class Rules:
    """The server's settings, by the defaults of its environment variables."""

    parallel: int = 1
    max_queue: int = 512
    max_loaded: int = 3
    memory: int = 24 * GIB
    context: int = 4096
    keep_alive: float = 300.0
    recover_seconds: float = 0.0  # until the driver has a runner's memory back, after it is gone
    lists_loading: bool = False  # /api/ps names a model as soon as its load begins, as some do
    knows_truncate: bool = True  # older servers ignore the field and truncate in silence
    busy: bool = False  # every request that would queue gets a 503

    def slots(self, weights: Weights) -> int:
        return 1 if weights.takes_one_call else self.parallel
