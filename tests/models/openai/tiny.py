"""A language model of two layers with random weights: it talks nonsense, in real tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WIDTH, LAYERS, HEADS, INNER, CONTEXT = 64, 2, 4, 128, 8192
SPECIAL = ["<unk>", "<s>", "</s>"]
UNKNOWN, CONTROL, NORMAL, BYTE = 2, 3, 1, 6  # kinds of token, as GGUF numbers them
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"


def write_tiny_model(path: Path, gguf: Any, numpy: Any) -> None:
    """A GGUF file in llama's form, half a megabyte; always the same."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    tokens = add_vocabulary(writer)
    for name, weights in tensors(numpy, tokens):
        writer.add_tensor(name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_vocabulary(writer: Any) -> int:
    """Every byte and the small letters, so that any text can be read and written."""
    every_byte = [f"<0x{byte:02X}>" for byte in range(256)]
    letters = ["▁", *"abcdefghijklmnopqrstuvwxyz"]
    kinds = [UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256, *[NORMAL] * len(letters)]
    writer.add_tokenizer_model("llama")
    writer.add_token_list([*SPECIAL, *every_byte, *letters])
    writer.add_token_scores([0.0] * 259 + [-1.0] * len(letters))
    writer.add_token_types(kinds)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)
    writer.add_vocab_size(len(kinds))
    return len(kinds)


def tensors(numpy: Any, tokens: int) -> list[tuple[str, Any]]:
    random = numpy.random.default_rng(7)
    square, up, down = (WIDTH, WIDTH), (INNER, WIDTH), (WIDTH, INNER)
    shapes = {"token_embd": (tokens, WIDTH), "output": (tokens, WIDTH)}
    norms = ["output_norm"]
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        shapes |= {f"{block}.attn_{part}": square for part in ("q", "k", "v", "output")}
        shapes |= {f"{block}.ffn_gate": up, f"{block}.ffn_up": up, f"{block}.ffn_down": down}
        norms += [f"{block}.attn_norm", f"{block}.ffn_norm"]
    made = [
        (name, (random.standard_normal(shape) * 0.05).astype(numpy.float32))
        for name, shape in shapes.items()
    ]
    made += [(name, numpy.ones(WIDTH, numpy.float32)) for name in norms]
    return [(f"{name}.weight", weights) for name, weights in made]
