"""One Ollama server and the connections to it, shared by every model that lives there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, cast

import httpx
import ollama

from harness.models.ollama_errors import TROUBLE, explain, missing
from harness.models.port import ModelError

CONNECT_SECONDS = 5.0
PROBE_SECONDS = 3.0

Line = dict[str, Any]  # one object of the server's stream


class OllamaHost:
    """A server by its address. Connections open with the first use.

    A model `join`s when it is made and `leave`s when it is closed; the last one to leave closes
    the connections. Whoever asks holds one of `slots` meanwhile: what waits in our own line is
    not on the server's, where it would look like silence.
    """

    def __init__(
        self, base_url: str, *, slots: int = 1, connect_seconds: float = CONNECT_SECONDS
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.slots = asyncio.Semaphore(slots)
        self._connect_seconds = connect_seconds
        self._client: _Client | None = None
        self._models = 0
        self._talking: Counter[str] = Counter()  # by model: calls in the middle of their answer

    def join(self) -> None:
        self._models += 1

    async def leave(self) -> None:
        self._models -= 1
        if self._models <= 0:
            await self.aclose()

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
            async with aclosing(await self._open().lines(body)) as lines:
                async for line in lines:
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

    @property
    def is_busy(self) -> bool:
        """Whether calls of ours hold all slots, or one is in the middle of its answer."""
        return self.slots.locked() or any(self._talking.values())

    async def present(self) -> list[str]:
        """Names of the models on its disk. Raises ModelError."""
        try:
            answer = await self._open().list()
        except TROUBLE as error:
            raise explain(error, self.base_url, "the list of models") from error
        return sorted(model.model for model in answer.models if model.model)

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
                present = await self.present()
        except TimeoutError:
            return f"{self.base_url} does not answer within {PROBE_SECONDS:g} s"
        except ModelError as error:
            return with_hint(error)
        if any(same_model(name, model) for name in present):
            return None
        return with_hint(missing(self.base_url, model, present))

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
    """Whether two names mean one model: no tag is the tag `latest`."""
    return _with_tag(left) == _with_tag(right)


def with_hint(error: ModelError) -> str:
    return f"{error} ({error.hint})" if error.hint else str(error)


def _with_tag(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


class _Client(ollama.AsyncClient):
    """The official client, with one more way to ask.

    Its own `chat` has no `truncate`, leaves out of a tool's schema what its Tool model does not
    name (defaults, bounds, anyOf), and drops the ids of tool calls; so the body goes out and the
    lines come in as they are.
    """

    async def lines(self, body: Mapping[str, Any]) -> AsyncGenerator[Line, None]:
        stream = await self._request(dict, "POST", "/api/chat", json=body, stream=True)
        return cast("AsyncGenerator[Line, None]", stream)
