"""What one Ollama server has and holds, asked briefly and by its own protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from harness.models.ollama_host import same_model

SECONDS = 3.0  # for one question


@dataclass(frozen=True)
class Loaded:
    """A model in the server's memory."""

    name: str
    context: int  # tokens; 0 when the server does not say
    size: int  # bytes
    in_gpu: int  # bytes of them


@dataclass(frozen=True)
class Server:
    """What a server said, or why it said nothing."""

    url: str
    trouble: str | None = None
    present: tuple[str, ...] = ()
    loaded: tuple[Loaded, ...] = ()

    def has(self, model: str) -> bool:
        return any(same_model(name, model) for name in self.present)

    def holding(self, model: str) -> Loaded | None:
        return next((each for each in self.loaded if same_model(each.name, model)), None)


def ask(url: str) -> Server:
    """The server as it is now. Raises nothing for what it does."""
    try:
        with client(url) as http:
            present = rows(told(http.get("/api/tags")))
            loaded = rows(told(http.get("/api/ps")))
    except (httpx.HTTPError, ValueError) as error:
        return Server(url, trouble=why(error))
    names = tuple(str(row.get("name") or row.get("model") or "") for row in present)
    return Server(url, present=names, loaded=tuple(map(loaded_of, loaded)))


def context_limit(url: str, model: str) -> int | None:
    """How many tokens the model was made for; None when the server does not say."""
    try:
        with client(url) as http:
            info = told(http.post("/api/show", json={"model": model})).get("model_info")
    except (httpx.HTTPError, ValueError):
        return None
    if not isinstance(info, Mapping):
        return None
    lengths = (value for key, value in info.items() if str(key).endswith(".context_length"))
    return next((length for length in lengths if isinstance(length, int)), None)


def client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=SECONDS, trust_env=False)


def told(response: httpx.Response) -> Mapping[str, Any]:
    """Raises httpx.HTTPError, ValueError."""
    response.raise_for_status()
    answer = response.json()
    if not isinstance(answer, dict):
        raise ValueError("it does not speak Ollama's protocol")
    return answer


def rows(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    models = answer.get("models")
    return [row for row in models if isinstance(row, dict)] if isinstance(models, list) else []


def loaded_of(row: Mapping[str, Any]) -> Loaded:
    return Loaded(
        name=str(row.get("name") or row.get("model") or ""),
        context=number(row.get("context_length")),
        size=number(row.get("size")),
        in_gpu=number(row.get("size_vram")),
    )


def number(value: object) -> int:
    return value if isinstance(value, int) else 0


def why(error: Exception) -> str:
    match error:
        case httpx.ConnectError():
            return "nothing answers there"
        case httpx.TimeoutException():
            return f"no answer within {SECONDS:g} s"
        case httpx.HTTPStatusError():
            return f"it answered {error.response.status_code}: is it an Ollama server?"
        case ValueError():
            return "what answers does not speak Ollama's protocol"
        case _:
            return str(error) or type(error).__name__
