"""What models there are, what is in memory, and embeddings."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.doubles.ollama.answers import BUSY
from tests.doubles.ollama.chat import Refused, known
from tests.doubles.ollama.engine import Busy, Crashed
from tests.doubles.ollama.http import Exchange
from tests.doubles.ollama.prompts import count
from tests.doubles.ollama.runner import Runner
from tests.doubles.ollama.turn import rfc3339
from tests.doubles.ollama.weights import FOREVER, Weights

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
    engine, now = double.engine, double.clock.monotonic()
    runners = list(engine.loaded.values())
    if engine.loading is not None and double.rules.lists_loading:
        engine.loading.expires_at = now + engine.loading.keep_alive  # a guess of the server's
        runners.append(engine.loading)
    runners.sort(key=lambda runner: -runner.expires_at)
    return {"models": [_running(double, runner) for runner in runners]}


def _running(double: OllamaDouble, runner: Runner) -> dict[str, Any]:
    left = runner.expires_at - double.clock.monotonic()
    ends = double.clock.now() + (CENTURIES if left == FOREVER else timedelta(seconds=left))
    return _described(runner.weights) | {
        "size": runner.size,
        "size_vram": runner.vram,
        "expires_at": rfc3339(ends),
        "context_length": runner.context,
    }


async def show(double: OllamaDouble, exchange: Exchange, body: Mapping[str, Any]) -> None:
    model = double.find(str(body.get("model", "")))
    if model is None:
        await exchange.send(404, {"error": f"model '{body.get('model')}' not found"})
        return
    info = model.shape.info(model.trained_context)
    shown = {"details": model.shape.details(), "model_info": info}
    own = {"capabilities": list(model.capabilities), "parameters": "", "template": "{{ .Prompt }}"}
    await exchange.send(200, shown | own)


async def embed(double: OllamaDouble, exchange: Exchange, body: Mapping[str, Any]) -> None:
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    try:
        model, keep_alive = known(double, body)
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise Refused(400, "invalid input type")
        options, tokens = body.get("options") or {}, sum(count(text) for text in texts)
        async with double.engine.seat(model, options, keep_alive) as seat:
            if any(count(text) > seat.runner.context for text in texts) and (
                body.get("truncate") is False
            ):
                raise Refused(400, "the input length exceeds the context length")
            await double.clock.sleep(tokens * model.prompt_seconds * seat.runner.slowness)
    except Busy:
        await exchange.send(503, {"error": BUSY.error})
    except Crashed as crash:
        await exchange.send(500, {"error": str(crash)})
    except Refused as refused:
        await exchange.send(refused.status, {"error": str(refused)})
    else:
        vectors = [embedding(text) for text in texts]
        answer = {"model": body["model"], "embeddings": vectors}
        await exchange.send(200, answer | {"prompt_eval_count": tokens})


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
    return names | {"size": model.size, "digest": digest, "details": model.shape.details()}
