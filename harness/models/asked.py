"""A model as one agent asks it for one task: every request says whose it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.models.port import HOUSE, Asker, ChatRequest, Model, OnDelta, Reply


@dataclass(frozen=True)
class AskedBy:
    """The same model; the purpose is that of the request where it names one."""

    model: Model
    asker: Asker

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def context_tokens(self) -> int:
        return self.model.context_tokens

    async def chat(self, request: ChatRequest, on_delta: OnDelta | None = None) -> Reply:
        purpose = request.asker.purpose
        named = purpose if purpose != HOUSE.purpose else self.asker.purpose
        stamped = replace(request, asker=replace(self.asker, purpose=named))
        return await self.model.chat(stamped, on_delta)

    async def probe(self) -> str | None:
        return await self.model.probe()

    async def aclose(self) -> None:
        await self.model.aclose()
