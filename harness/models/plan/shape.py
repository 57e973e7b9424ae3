"""What of a model decides how much memory it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from harness.errors import UsageError
from harness.models.plan.precision import bits_of
from harness.text.words import clip

# Families for which Ollama turns flash attention on by itself (fs/ggml/ggml.go, FlashAttention).
FLASH = {
    *("bert", "gemma3", "glm4moelite", "gptoss", "gpt-oss", "lfm2", "lfm2moe", "mistral3"),
    *("nemotron_h", "nemotron_h_moe", "olmo3", "qwen3", "qwen3moe", "qwen35", "qwen35moe"),
    *("qwen3next", "qwen3vl", "qwen3vlmoe"),
}
# Families with layers that look back only through a window, and every how many layers one looks
# back through all of the context (same source).
GLOBAL_EVERY = {"gemma3": 6, "gptoss": 2, "gpt-oss": 2}
MOST = 10**18  # of anything
VOCABULARY = 151_936  # where a server does not say, as most do not: a large one, that of Qwen 3


@dataclass(frozen=True)
class Shape:
    """A model's measures, in the words of its configuration."""

    name: str
    family: str
    parameters: int  # of all experts together
    active: int  # that one token passes through; all of them where there are no experts
    precision: str  # Q4_K_M, F16, ...
    layers: int
    heads: int
    kv_heads: int
    key_length: int  # of one head
    value_length: int
    embedding: int
    vocabulary: int
    context: int  # tokens that it was trained for
    window: int | None = None  # tokens, of its layers with a sliding window
    file_size: int | None = None  # bytes of its weights, where a server told
    flash: bool = False  # whether the server computes attention without keeping all of it

    @property
    def weights(self) -> int:
        """Bytes: as large as the file, else parameters × bits of the precision / 8."""
        return self.file_size or round(self.parameters * bits_of(self.precision) / 8)

    @property
    def is_mixture(self) -> bool:
        return self.active < self.parameters


def shape_of_show(name: str, shown: Mapping[str, Any], file_size: int | None = None) -> Shape:
    """The shape of a model by what Ollama's /api/show says. Raises UsageError for what it lacks,
    and for what cannot be."""
    try:
        return told_shape(name, shown, file_size)
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        raise UsageError(f"{name}: what its server says of it cannot be: {error}") from error


def told_shape(name: str, shown: Mapping[str, Any], file_size: int | None) -> Shape:
    info = dict(shown.get("model_info") or {})
    details = dict(shown.get("details") or {})
    family = str(info.get("general.architecture") or details.get("family") or "")
    own = {key.removeprefix(f"{family}."): value for key, value in info.items()}
    heads = most(own.get("attention.head_count"))
    embedding = own.get("embedding_length")
    length = embedding // heads if embedding and heads else None
    parameters = own.get("general.parameter_count") or counted(details.get("parameter_size"))
    facts: dict[str, Any] = {
        "parameters": parameters,
        "layers": own.get("block_count"),
        "heads": heads,
        "kv_heads": most(own.get("attention.head_count_kv")) or heads,
        "key_length": own.get("attention.key_length") or length,
        "value_length": own.get("attention.value_length") or length,
        "embedding": embedding,
        "vocabulary": own.get("vocab_size") or VOCABULARY,
        "context": own.get("context_length"),
    }
    complain_about(name, [key for key, value in facts.items() if value is None])
    facts = {key: value_of(name, key, value) for key, value in facts.items()}
    shape = Shape(
        name=name,
        family=family,
        active=facts["parameters"],
        precision=str(details.get("quantization_level") or "F16"),
        window=most(own.get("attention.sliding_window")),
        file_size=file_size,
        flash=family in FLASH,
        **facts,
    )
    return replace(shape, active=active_of(shape, own))


def active_of(shape: Shape, own: Mapping[str, Any]) -> int:
    """Parameters of one token: of the experts only those used; an expert has three matrices."""
    experts, used = own.get("expert_count") or 0, own.get("expert_used_count") or 0
    width = own.get("expert_feed_forward_length") or own.get("feed_forward_length") or 0
    idle = max(experts - used, 0) * 3 * width * shape.embedding * shape.layers
    return max(shape.parameters - int(idle), 1) if experts else shape.parameters


def shape_of_words(text: str) -> Shape:
    """A shape that a person states: `NAME key=value ...`. Raises UsageError.

    `parameters=8.2B precision=Q4_K_M layers=36 heads=32 kv_heads=8 head_dim=128 embedding=4096
    vocabulary=151936`, and maybe `active=3.3B context=32768 window=1024 family=qwen3`.
    """
    name, *words = text.split()
    given: dict[str, Any] = dict(pair(name, word) for word in words)
    if "head_dim" in given:
        length = given.pop("head_dim")
        given |= {"key_length": length, "value_length": length}
    return shape_of_facts(name, {"context": 131_072, "family": ""} | given)


def shape_of_facts(name: str, given: Mapping[str, Any]) -> Shape:
    """The shape by its fields' names. Raises UsageError for one that is missing or unknown."""
    known = {field.name for field in fields(Shape)} - {"name", "flash"}
    for key in given:
        if key not in known:
            raise UsageError(
                f"{name}: nothing of a model is called `{key}`", hint=", ".join(sorted(known))
            )
    complain_about(name, list(missing(given)))
    given = {**given, "active": given.get("active", given["parameters"])}
    facts = {key: value_of(name, key, value) for key, value in given.items()}
    return Shape(name=name, flash=facts["family"] in FLASH, **facts)


def missing(given: Mapping[str, Any]) -> Iterator[str]:
    wanted = ("parameters", "precision", "layers", "heads", "kv_heads", "key_length")
    for key in (*wanted, "value_length", "embedding", "vocabulary"):
        if given.get(key) is None:
            yield key


def complain_about(name: str, lacking: list[str]) -> None:
    if lacking:
        raise UsageError(
            f"of {name} it is not known: {', '.join(lacking)}",
            hint=f'state it: --model "{name} parameters=8.2B precision=Q4_K_M layers=36 heads=32'
            ' kv_heads=8 head_dim=128 embedding=4096 vocabulary=151936"',
        )


def value_of(name: str, key: str, value: object) -> Any:
    if key in ("family", "precision"):
        return str(value)
    number = counted(value)
    if number is None or not 0 < number <= MOST:
        said = clip(repr(value), 40)
        raise UsageError(f"{name}: `{key}` is a number above zero, like 36 or 8.2B, not {said}")
    return number


def pair(name: str, word: str) -> tuple[str, str]:
    key, equals, value = word.partition("=")
    if not equals or not value:
        raise UsageError(f"{name}: `{word}` is no key=value")
    return key, value


def counted(value: object) -> int | None:
    """A number, or a text such as `8.2B` or `137M`; None for what is neither."""
    if isinstance(value, int):
        return value
    text = str(value or "").strip().upper()
    scale = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}.get(text[-1:], 1)
    try:
        return round(float(text.rstrip("KMBT")) * scale)
    except (OverflowError, ValueError):
        return None


def most(value: object) -> int | None:
    """A number, or the largest of a list: some models state it for each layer."""
    if isinstance(value, list):
        return max((each for each in value if isinstance(each, int)), default=None)
    return value if isinstance(value, int) else None
