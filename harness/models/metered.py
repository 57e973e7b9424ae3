"""A model whose calls are looked up, limited and written down."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.clock import Clock
from harness.models.books import Books
from harness.models.cache.question import Respondent
from harness.models.ledger.call import Call, CallOutcome
from harness.models.ledger.reuse import Prompts
from harness.models.limits.limits import Reservation, Wanted
from harness.models.port import (
    ChatRequest,
    Model,
    OnDelta,
    OverLimit,
    Reply,
    estimate_prompt,
)
from harness.models.sitting import Sitting

if TYPE_CHECKING:
    from harness.config.settings import ModelProfile, Price

ON_GPU = "ollama"  # the provider whose time counts
FREE = "extractive"  # no model, so it takes nothing that could be limited


@dataclass(frozen=True)
class Terms:
    """What the books need to know of a profile."""

    profile: str
    who: Respondent
    price: Price | None = None

    @classmethod
    def of(cls, name: str, profile: ModelProfile) -> Terms:
        return cls(name, Respondent.of(profile), profile.price)

    @property
    def on_gpu(self) -> bool:
        return self.who.provider == ON_GPU

    @property
    def is_free(self) -> bool:
        return self.who.provider == FREE


class Metered:
    """The model between a chain and its provider: cache, then limits, then the ledger, then it.

    Of all the keeping of books only OverLimit reaches who asks. A call that is cut off settles
    what is known of it: its prompt and what was heard, once something was.
    """

    def __init__(self, model: Model, books: Books, terms: Terms, clock: Clock) -> None:
        self.model = model
        self.books = books
        self.terms = terms
        self.clock = clock
        self._prompts = Prompts()

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def context_tokens(self) -> int:
        return self.model.context_tokens

    async def chat(self, request: ChatRequest, on_delta: OnDelta | None = None) -> Reply:
        """Answer. Raises OverLimit, and what the model raises."""
        begun = self.clock.monotonic()
        reply = await self.books.cache.answer(
            self.terms.who, request, lambda: self._ask(request, on_delta)
        )
        if reply.cached:
            self._note_cached(request, reply, self.clock.monotonic() - begun)
            if on_delta is not None and reply.message.content:
                on_delta(reply.message.content)
        return reply

    async def probe(self) -> str | None:
        return await self.model.probe()

    async def aclose(self) -> None:
        await self.model.aclose()

    async def _ask(self, request: ChatRequest, on_delta: OnDelta | None) -> Reply:
        prompt = estimate_prompt(request)
        most = request.max_tokens or max(self.model.context_tokens - prompt, 1)
        call = self._call(request, prompt)
        try:
            held = self._reserve(request, prompt, most)
        except OverLimit as error:
            self._over_limit(call, error)
            raise
        if held is not None and held.answer < most:
            request = replace(request, max_tokens=held.answer)
        sitting = Sitting(self.books, self.clock, call, held, on_delta)
        try:
            reply = await self.model.chat(request, sitting.hear)
        except asyncio.CancelledError:
            sitting.broke_off(CallOutcome.CANCELLED, "")
            raise
        except BaseException as error:
            sitting.failed(error)
            raise
        sitting.answered(reply, free=self.terms.is_free)
        return reply

    def _call(self, request: ChatRequest, prompt: int) -> Call:
        asker = request.asker
        return Call(
            id=self.books.ledger.ids(),
            run=self.books.ledger.run,
            at=self.clock.now(),
            agent=asker.agent,
            task=asker.task,
            purpose=asker.purpose,
            priority=str(asker.priority),
            profile=self.terms.profile,
            model=self.model.name,
            prompt_tokens=0 if self.terms.is_free else prompt,
            reused=self._prompts.share(self.model.name, request),
        )

    def _reserve(self, request: ChatRequest, prompt: int, most: int) -> Reservation | None:
        if self.terms.is_free:
            return None
        price, on_gpu = self.terms.price, self.terms.on_gpu
        wanted = Wanted(request.asker.agent, self.model.name, prompt, most, price, on_gpu)
        return self.books.reserve(wanted)

    def _over_limit(self, call: Call, error: OverLimit) -> None:
        self.books.ledger.note(
            replace(
                call,
                prompt_tokens=0,
                estimated=False,
                total_s=0.0,
                outcome=CallOutcome.OVER_LIMIT,
                error=type(error).__name__,
            )
        )

    def _note_cached(self, request: ChatRequest, reply: Reply, total_s: float) -> None:
        self.books.ledger.note(
            replace(
                self._call(request, 0),
                model=reply.model,
                estimated=False,
                total_s=total_s,
                outcome=CallOutcome.CACHED,
            )
        )
