"""What models there are, what is in memory, and embeddings."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.doubles.ollama.chat import rfc3339
from tests.doubles.ollama.engine import FOREVER, Busy, Weights
from tests.doubles.ollama.http import Exchange
from tests.doubles.ollama.prompts import count

if TYPE_CHECKING:
    from tests.doubles.ollama.double import OllamaDouble

VERSION = "0.33.0"
DIMENSIONS = 64
CENTURIES = timedelta(days=365 * 290)


def tags(double: OllamaDouble) -> dict[str, Any]:
    now = rfc3339(double.clock.now())
    return {
        "models": [
            _described(model) | {"modified_at": now, "capabilities": list(model.capabilities)}
            for model in double.weights.values()
        ]
    }


def running(double: OllamaDouble) -> dict[str, Any]:
    """/api/ps: longest-lived first."""
    clock = double.clock
    runners = sorted(double.engine.loaded.values(), key=lambda r: -r.expires_at)
    models = []
    for runner in runners:
        left = runner.expires_at - clock.monotonic()
        ends = clock.now() + (CENTURIES if left == FOREVER else timedelta(seconds=left))
        sizes = {"size": runner.size, "size_vram": min(runner.size, double.rules.memory)}
        models.append(
            _described(runner.weights)
            | sizes
            | {"expires_at": rfc3339(ends), "context_length": runner.context}
        )
    return {"models": models}


async def show(double: OllamaDouble, exchange: Exchange, body: Mapping[str, Any]) -> None:
    model = double.find(str(body.get("model", "")))
    if model is None:
        await exchange.send(404, {"error": f"model '{body.get('model')}' not found"})
        return
    info = {"general.architecture": "double", "double.context_length": model.trained_context}
    shown = {"details": _details(), "model_info": info, "capabilities": list(model.capabilities)}
    await exchange.send(200, shown | {"parameters": "", "template": "{{ .Prompt }}"})


async def embed(double: OllamaDouble, exchange: Exchange, body: Mapping[str, Any]) -> None:
    model = double.find(str(body.get("model", "")))
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if model is None:
        await exchange.send(404, {"error": f"model '{body.get('model')}' not found"})
        return
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        await exchange.send(400, {"error": "invalid input type"})
        return
    try:
        async with double.engine.slot(model, body.get("options") or {}, None) as (runner, _):
            too_long = any(count(text) > runner.context for text in texts)
    except Busy:
        await exchange.send(
            503, {"error": "server busy, please try again.  maximum pending requests exceeded"}
        )
        return
    if too_long and body.get("truncate") is False:
        await exchange.send(400, {"error": "the input length exceeds the context length"})
        return
    vectors = [embedding(text) for text in texts]
    tokens = sum(count(text) for text in texts)
    await exchange.send(
        200, {"model": body["model"], "embeddings": vectors, "prompt_eval_count": tokens}
    )


def embedding(text: str) -> list[float]:
    """A normalised bag of hashed words: texts that share words lie close together."""
    vector = [0.0] * DIMENSIONS
    for word in re.findall(r"\w+", text.lower()):
        digest = hashlib.blake2b(word.encode(), digest_size=4).digest()
        vector[int.from_bytes(digest, "big") % DIMENSIONS] += 1.0
    length = math.sqrt(sum(value * value for value in vector)) or 1.0
    return [value / length for value in vector]


def _described(model: Weights) -> dict[str, Any]:
    digest = hashlib.sha256(model.full_name.encode()).hexdigest()
    names = {"name": model.full_name, "model": model.full_name}
    return names | {"size": model.size, "digest": digest, "details": _details()}


def _details() -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": "double",
        "families": ["double"],
        "parameter_size": "8.2B",
        "quantization_level": "Q4_K_M",
    }
