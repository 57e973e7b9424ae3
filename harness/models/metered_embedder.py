"""An embedding model whose requests are written down, and kept within the GPU's time of the day."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from harness.clock import Clock
from harness.config.priority import Priority
from harness.models.books import Books
from harness.models.embed import Embedder, Vector
from harness.models.ledger.call import Call, CallOutcome
from harness.models.limits.limits import Wanted
from harness.models.port import HOUSE, OverLimit, Usage, estimate_tokens

PURPOSE = "embed"


class MeteredEmbedder:
    """The embedder, with a row of the ledger for each request."""

    def __init__(self, embedder: Embedder, books: Books, clock: Clock) -> None:
        self.embedder = embedder
        self.books = books
        self.clock = clock

    @property
    def name(self) -> str:
        return self.embedder.name

    @property
    def is_idle(self) -> bool:
        return self.embedder.is_idle

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Raises OverLimit, and what the embedder raises."""
        begun = self.clock.monotonic()
        call = self._call(texts)
        try:
            held = self.books.reserve(
                Wanted(call.agent, call.model, call.prompt_tokens, 0, on_gpu=True, embeds=True)
            )
        except OverLimit as error:
            self._end(call, begun, CallOutcome.OVER_LIMIT, type(error).__name__)
            raise
        self.books.ledger.note(call)
        try:
            vectors = await self.embedder.embed(texts)
        except asyncio.CancelledError:
            self.books.free(held)
            self._end(call, begun, CallOutcome.CANCELLED)
            raise
        except BaseException as error:
            self.books.free(held)
            self._end(call, begun, CallOutcome.FAILED, type(error).__name__)
            raise
        timings = {"prompt": self.clock.monotonic() - begun}
        took = self.books.settle(held, Usage(call.prompt_tokens, 0, estimated=True), timings)
        self._end(replace(call, gpu_s=took.gpu), begun, CallOutcome.DONE)
        return vectors

    async def aclose(self) -> None:
        await self.embedder.aclose()

    def _call(self, texts: Sequence[str]) -> Call:
        return Call(
            id=self.books.ledger.ids(),
            run=self.books.ledger.run,
            at=self.clock.now(),
            agent=HOUSE.agent,
            task=None,
            purpose=PURPOSE,
            priority=str(Priority.P2),
            profile=PURPOSE,
            model=self.name,
            prompt_tokens=sum(map(estimate_tokens, texts)),
        )

    def _end(self, call: Call, begun: float, outcome: CallOutcome, error: str = "") -> None:
        done = outcome is CallOutcome.DONE
        self.books.ledger.note(
            replace(
                call,
                prompt_tokens=call.prompt_tokens if done else 0,
                total_s=self.clock.monotonic() - begun,
                outcome=outcome,
                error=error,
            )
        )
