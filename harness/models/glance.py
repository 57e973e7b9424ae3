"""A glance at one Ollama server, for commands: what it has and holds, asked once and briefly."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx

from harness.models.bounds import LONGEST_WHOLE, TooMuch
from harness.models.ollama_host import same_model, whole

SECONDS = 3.0  # for one question
TROUBLE = (httpx.HTTPError, ValueError, RecursionError)


@dataclass(frozen=True)
class Loaded:
    """A model in the server's memory."""

    name: str
    context: int  # tokens; 0 when the server does not say
    size: int  # bytes
    in_gpu: int  # bytes of them
    expires: str | None = None  # when it leaves the memory unless it is used; as the server says


@dataclass(frozen=True)
class Server:
    """What a server said, or why it said nothing."""

    url: str
    trouble: str | None = None
    present: tuple[str, ...] = ()
    loaded: tuple[Loaded, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)  # bytes on its disk, by name

    def has(self, model: str) -> bool:
        return any(same_model(name, model) for name in self.present)

    def size_of(self, model: str) -> int | None:
        """Bytes of its file; None when the server has no such model, or does not say."""
        found = (size for name, size in self.sizes.items() if same_model(name, model))
        return next(found, 0) or None

    def holding(self, model: str) -> Loaded | None:
        return next((each for each in self.loaded if same_model(each.name, model)), None)


def ask(url: str) -> Server:
    """The server as it is now. Raises nothing for what it does."""
    try:
        with client(url) as http:
            present = rows(told(http, "GET", "/api/tags"))
            loaded = rows(told(http, "GET", "/api/ps"))
    except TROUBLE as error:
        return Server(url, trouble=why(error))
    sizes = {name_of(row): number(row.get("size")) for row in present}
    return Server(url, present=tuple(sizes), loaded=tuple(map(loaded_of, loaded)), sizes=sizes)


def show(url: str, model: str) -> Mapping[str, Any] | None:
    """What the server says of a model that it has (/api/show); None when it does not."""
    try:
        with client(url) as http:
            return told(http, "POST", "/api/show", {"model": model})
    except TROUBLE:
        return None


def context_limit(url: str, model: str) -> int | None:
    """How many tokens the model was made for; None when the server does not say."""
    info = (show(url, model) or {}).get("model_info")
    if not isinstance(info, Mapping):
        return None
    lengths = (value for key, value in info.items() if str(key).endswith(".context_length"))
    return next((length for length in lengths if isinstance(length, int)), None)


def client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=SECONDS, trust_env=False)


def told(
    http: httpx.Client, method: str, path: str, body: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    """What the server answers. Raises TROUBLE, for one that drips or does not end as well."""
    late = monotonic() + SECONDS
    with http.stream(method, path, json=body) as response:
        response.raise_for_status()
        answer = json.loads(b"".join(within(late, response.iter_bytes())))
    if not isinstance(answer, dict):
        raise ValueError("it does not speak Ollama's protocol")
    return answer


def within(late: float, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks, as long as they come in time and are no more than any honest server sends."""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > LONGEST_WHOLE:
            raise TooMuch(f"an answer is longer than {LONGEST_WHOLE} bytes")
        if monotonic() > late:
            raise httpx.ReadTimeout("it drips")
        yield chunk


def rows(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    models = answer.get("models")
    return [row for row in models if isinstance(row, dict)] if isinstance(models, list) else []


def name_of(row: Mapping[str, Any]) -> str:
    return str(row.get("name") or row.get("model") or "")


def loaded_of(row: Mapping[str, Any]) -> Loaded:
    return Loaded(
        name=name_of(row),
        context=number(row.get("context_length")),
        size=number(row.get("size")),
        in_gpu=number(row.get("size_vram")),
        expires=str(row["expires_at"]) if row.get("expires_at") else None,
    )


def number(value: object) -> int:
    return whole(value) or 0


def why(error: Exception) -> str:
    match error:
        case httpx.ConnectError():
            return "nothing answers there"
        case httpx.TimeoutException():
            return f"no answer within {SECONDS:g} s"
        case httpx.HTTPStatusError():
            return f"it answered {error.response.status_code}: is it an Ollama server?"
        case ValueError() | RecursionError():
            return "what answers does not speak Ollama's protocol"
        case _:
            return str(error) or type(error).__name__
