"""A model that cannot be used, said by itself each time it is asked."""

from __future__ import annotations

from harness.models.port import ChatRequest, ModelUnavailable, OnDelta, Reply


class UnusableModel:
    """Stands where a profile names what this installation does not have."""

    context_tokens = 16_384

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason

    async def chat(self, request: ChatRequest, on_delta: OnDelta | None = None) -> Reply:
        raise ModelUnavailable(self.reason)

    async def probe(self) -> str | None:
        return self.reason

    async def aclose(self) -> None:
        """There is nothing to give back."""
