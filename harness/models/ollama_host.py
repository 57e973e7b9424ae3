"""One Ollama server and the connections to it, shared by every model that lives there."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx
import ollama

from harness.models.bounds import LONGEST_ERROR, LONGEST_WHOLE, beginning, lines, within
from harness.models.ollama_errors import TROUBLE, explain, missing
from harness.models.port import ModelError

CONNECT_SECONDS = 5.0
PROBE_SECONDS = 3.0
MOST_SIZE = 1 << 60  # bytes or tokens

Line = dict[str, Any]  # one object of the server's stream


@dataclass(frozen=True)
class Loaded:
    """A model in a server's memory, as the server tells it. Sizes are bytes."""

    model: str
    size: int | None = None  # of all of it
    vram: int | None = None  # of what lies on the GPU
    num_ctx: int | None = None


class OllamaHost:
    """A server by its address. Connections open with the first use.

    How many calls it answers at a time is the pool's to see to: what waits in our own line is not
    on the server's, where it would look like silence.
    """

    def __init__(
        self,
        base_url: str,
        *,
        name: str = "local",
        slots: int = 1,
        models: int = 3,
        memory: int | None = None,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        """`slots`: calls of one model at a time; `models` in memory at a time; `memory` for them
        in bytes, where that is known."""
        self.base_url = base_url.rstrip("/")
        self.name = name
        self.slots = slots
        self.models = models
        self.memory = memory
        self._connect_seconds = connect_seconds
        self._client: _Client | None = None
        self._talking: Counter[str] = Counter()  # by model: calls in the middle of their answer

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()  # type: ignore[no-untyped-call]

    async def chat(self, body: Mapping[str, Any]) -> AsyncGenerator[Line, None]:
        """The lines of a streamed answer. Raises ModelError.

        There is no time limit in here: the caller cancels, and that closes the connection.
        """
        model, talks = str(body["model"]), 0
        try:
            async with aclosing(self._open().lines(body)) as said:
                async for line in said:
                    if not talks:
                        talks = 1
                        self._talking[model] += 1
                    yield line
        except TROUBLE as error:
            raise explain(error, self.base_url, model) from error
        finally:
            self._talking[model] -= talks

    async def embed(self, model: str, texts: Sequence[str]) -> list[Sequence[float]]:
        """What each text means, as the server says it; of one too long its beginning counts.
        Raises ModelError. There is no time limit in here, as in `chat`."""
        try:
            answer = await self._open().embed(model, list(texts), truncate=True)
        except TROUBLE as error:
            raise explain(error, self.base_url, model) from error
        return list(answer.embeddings)

    async def load(
        self,
        model: str,
        *,
        num_ctx: int = 0,
        keep_alive: float | str | None = None,
        embeds: bool = False,
    ) -> None:
        """Bring a model into memory, and say how long it stays there unused. Raises ModelError.

        With another `num_ctx` than it has it is loaded anew; 0: as the server likes. A model that
        `embeds` is known to no other route. Cancelling ends the load, at the server too.
        """
        body: dict[str, Any] = {"model": model, **({"input": []} if embeds else {"stream": False})}
        if num_ctx:
            body["options"] = {"num_ctx": num_ctx}
        if keep_alive is not None:
            body["keep_alive"] = keep_alive
        await self._post("/api/embed" if embeds else "/api/generate", body)

    async def unload(self, model: str) -> None:
        """Have a model leave the memory as soon as nobody uses it. Raises ModelError."""
        await self._post("/api/generate", {"model": model, "stream": False, "keep_alive": 0})

    async def running(self) -> list[Loaded]:
        """What is in memory. Raises ModelError."""
        try:
            answer = await self._open().ps()
        except TROUBLE as error:
            raise explain(error, self.base_url, "the models in memory") from error
        return [
            Loaded(
                model.model,
                whole(model.size),
                whole(model.size_vram),
                whole(model.context_length),
            )
            for model in answer.models
            if model.model
        ]

    async def sizes(self) -> dict[str, int]:
        """The models on its disk, and the bytes of each. Raises ModelError."""
        try:
            answer = await self._open().list()
        except TROUBLE as error:
            raise explain(error, self.base_url, "the list of models") from error
        return {model.model: whole(model.size) or 0 for model in answer.models if model.model}

    def talks(self, model: str) -> bool:
        """Whether a call of ours is in the middle of the model's answer."""
        return self._talking[model] > 0

    async def holds(self, model: str) -> bool:
        """Whether the model is in memory; False also when the server does not say."""
        try:
            answer = await self._open().ps()
        except TROUBLE:
            return False
        return any(same_model(running.model or "", model) for running in answer.models)

    async def probe(self, model: str) -> str | None:
        """None when the model can be asked, else the reason why not; within three seconds."""
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                present = sorted(await self.sizes())
        except TimeoutError:
            return f"{self.base_url} does not answer within {PROBE_SECONDS:g} s"
        except ModelError as error:
            return with_hint(error)
        if any(same_model(name, model) for name in present):
            return None
        return with_hint(missing(self.base_url, model, present))

    async def _post(self, path: str, body: Mapping[str, Any]) -> None:
        try:
            await self._open().post(path, body)
        except TROUBLE as error:
            raise explain(error, self.base_url, str(body["model"])) from error

    def _open(self) -> _Client:
        if self._client is None:
            self._client = _Client(
                self.base_url,
                timeout=httpx.Timeout(None, connect=self._connect_seconds),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=16),
                trust_env=False,  # the address of the settings, by no proxy and to no other
                follow_redirects=False,
            )
        return self._client


def same_model(left: str, right: str) -> bool:
    """Whether two names mean one model."""
    return full_name(left) == full_name(right)


def full_name(model: str) -> str:
    """A model's name as the server lists it: no tag is the tag `latest`."""
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


def with_hint(error: ModelError) -> str:
    return f"{error} ({error.hint})" if error.hint else str(error)


def whole(size: object) -> int | None:
    """A number of bytes or tokens; None for what can be none."""
    return int(size) if isinstance(size, int) and 0 <= size <= MOST_SIZE else None


class _Client(ollama.AsyncClient):
    """The official client, with two more ways to ask, and an end to what it reads.

    Its own `chat` has no `truncate`, leaves out of a tool's schema what its Tool model does not
    name (defaults, bounds, anyOf), and drops the ids of tool calls; so the body goes out and the
    lines come in as they are.
    """

    def __init__(self, base_url: str, **settings: Any) -> None:
        super().__init__(base_url, **settings)
        # a key of the environment would go to every server, whoever it was meant for
        self._client.headers.pop("Authorization", None)

    async def lines(self, body: Mapping[str, Any]) -> AsyncGenerator[Line, None]:
        async with self._client.stream("POST", "/api/chat", json=body) as response:
            await raise_for(response)
            async for line in lines(response.aiter_bytes()):
                part = json.loads(line)
                if error := part.get("error"):
                    raise ollama.ResponseError(error)
                yield part

    async def post(self, path: str, body: Mapping[str, Any]) -> None:
        await self._request_raw("POST", path, json=body)

    async def _request_raw(self, *args: Any, **kwargs: Any) -> httpx.Response:
        """By this the client asks all that is not streamed."""
        async with self._client.stream(*args, **kwargs) as response:
            await raise_for(response)
            parts = [part async for part in within(LONGEST_WHOLE, response.aiter_bytes())]
        return httpx.Response(response.status_code, content=b"".join(parts))


async def raise_for(response: httpx.Response) -> None:
    """Raises ResponseError with the beginning of what the server says went wrong."""
    if not response.is_success:
        said = await beginning(response, LONGEST_ERROR)
        raise ollama.ResponseError(said.decode("utf-8", "replace"), response.status_code)
