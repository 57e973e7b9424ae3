"""How many bits one weight takes, by the name of the precision."""

from __future__ import annotations

from harness.errors import UsageError

# Measured on Llama 3.1 8B with all that goes with the weights (llama.cpp, tools/quantize/README),
# and for those not in that table what the format itself takes.
BITS = {
    "IQ1_S": 2.0042,
    "IQ1_M": 2.1460,
    "IQ2_XXS": 2.3824,
    "IQ2_XS": 2.5882,
    "IQ2_S": 2.7403,
    "IQ2_M": 2.9294,
    "IQ3_XXS": 3.2548,
    "IQ3_XS": 3.4977,
    "IQ3_S": 3.6606,
    "IQ3_M": 3.7628,
    "IQ4_XS": 4.4597,
    "IQ4_NL": 4.6818,
    "Q2_K_S": 2.9697,
    "Q2_K": 3.1593,
    "Q3_K_S": 3.6429,
    "Q3_K_M": 3.9960,
    "Q3_K_L": 4.2979,
    "Q4_K_S": 4.6672,
    "Q4_K_M": 4.8944,
    "Q5_K_S": 5.5704,
    "Q5_K_M": 5.7036,
    "Q6_K": 6.5633,
    "Q8_0": 8.5008,
    "MXFP4": 4.25,  # 32 weights of 4 bits and a scale of 8
    "Q4_0": 4.5,  # 32 weights of 4 bits and a scale of 16
    "Q4_1": 5.0,
    "Q5_0": 5.5,
    "Q5_1": 6.0,
    "F16": 16.0005,
    "BF16": 16.0,
    "F32": 32.0,
}
KV_BYTES = {"f16": 2.0, "q8_0": 1.0, "q4_0": 0.5}  # of one number (Ollama, fs/ggml/ggml.go)


def bits_of(precision: str) -> float:
    """Raises UsageError for a name that is not known."""
    try:
        return BITS[precision.upper()]
    except KeyError:
        known = ", ".join(BITS)
        raise UsageError(f"no precision is called `{precision}`", hint=f"known: {known}") from None


def kv_bytes_of(cache_type: str) -> float:
    """Bytes of one number in the KV cache (OLLAMA_KV_CACHE_TYPE). Raises UsageError."""
    try:
        return KV_BYTES[cache_type.lower()]
    except KeyError:
        known = ", ".join(KV_BYTES)
        hint = f"known: {known}"
        raise UsageError(f"no KV cache is of the type `{cache_type}`", hint=hint) from None
