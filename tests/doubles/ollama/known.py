"""Models as they are pulled: shapes and sizes of the real ones, and speeds of a 24 GiB card."""

from __future__ import annotations

from dataclasses import replace

from tests.doubles.ollama.weights import QWEN3_8B, Shape, Weights

LLAMA31_8B = Shape("llama", 32, 4096, 32, 8, 14_336, 8_030_261_312)
QWEN25_14B = Shape("qwen2", 48, 5120, 40, 8, 13_824, 14_770_033_664)
QWEN3_30B = Shape(
    "qwen3moe", 48, 2048, 32, 4, 6144, 30_532_122_624, key_length=128, experts=128, experts_used=8
)
GRANITE33_8B = Shape("granite", 40, 4096, 32, 8, 12_800, 8_170_848_256)
NOMIC = Shape("nomic-bert", 12, 768, 12, 12, 3072, 136_727_040, quantization="F16")

DENSE = Weights(
    "qwen3:8b",
    size=5_225_388_164,
    trained_context=40_960,
    capabilities=("completion", "tools", "thinking"),
    load_seconds=8.0,
    kv_bytes_per_token=QWEN3_8B.kv_bytes_per_token,
    prompt_seconds=0.0005,
    token_seconds=0.014,
    shape=QWEN3_8B,
)
LLAMA = Weights(
    "llama3.1:8b",
    size=4_920_753_328,
    load_seconds=8.0,
    kv_bytes_per_token=LLAMA31_8B.kv_bytes_per_token,
    prompt_seconds=0.0005,
    token_seconds=0.014,
    shape=LLAMA31_8B,
)
MISTRAL = replace(
    LLAMA,
    name="mistral:7b",
    size=4_372_824_384,
    trained_context=32_768,
    load_seconds=7.0,
    prompt_seconds=0.00045,
    token_seconds=0.013,
    shape=replace(LLAMA31_8B, parameters=7_248_023_552),
)
GRANITE = replace(
    DENSE,
    name="granite3.3:8b",
    size=4_942_891_653,
    trained_context=131_072,
    capabilities=("completion", "tools"),
    load_seconds=8.5,
    kv_bytes_per_token=GRANITE33_8B.kv_bytes_per_token,
    shape=GRANITE33_8B,
)
MIDDLE = Weights(
    "qwen2.5:14b",
    size=8_988_124_069,
    trained_context=32_768,
    load_seconds=14.0,
    kv_bytes_per_token=QWEN25_14B.kv_bytes_per_token,
    prompt_seconds=0.0009,
    token_seconds=0.024,
    shape=QWEN25_14B,
)
EXPERTS = Weights(
    "qwen3:30b-a3b",
    size=18_556_689_568,
    trained_context=262_144,
    capabilities=("completion", "tools", "thinking"),
    load_seconds=28.0,
    kv_bytes_per_token=QWEN3_30B.kv_bytes_per_token,
    prompt_seconds=0.0007,
    token_seconds=0.009,
    shape=QWEN3_30B,
)
EMBEDDER = Weights(
    "nomic-embed-text",
    size=274_302_450,
    trained_context=2048,
    capabilities=("embedding",),
    load_seconds=1.0,
    kv_bytes_per_token=NOMIC.kv_bytes_per_token,
    prompt_seconds=0.00005,
    shape=NOMIC,
)
