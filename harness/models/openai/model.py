"""A model behind any address that speaks OpenAI's chat completions."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from harness.clock import Clock
from harness.ids import Ids
from harness.models.gauge import Gauge
from harness.models.openai.endpoint import Endpoint
from harness.models.openai.errors import Site
from harness.models.openai.key import Key
from harness.models.openai.slots import Slots
from harness.models.openai.wire import Answer, Called, request_body
from harness.models.patience import Timeouts, extend
from harness.models.port import (
    BadReply,
    ChatRequest,
    Message,
    ModelError,
    ModelUnable,
    ModelUnavailable,
    OnDelta,
    PromptTooLong,
    Reply,
    Role,
    ToolCall,
    estimate_prompt,
    estimate_tokens,
)
from harness.models.toolcalls import arguments_object, calls_in, is_name
from harness.text.surrogates import whole

IDS_KEPT = 4096  # calls whose id at the server is remembered
LONGEST_ID = 256  # characters; for a longer one our own is sent back
MOST, NEWER_MOST = "max_tokens", "max_completion_tokens"  # names of an answer's limit
WITHHELD = "content_filter"


class OpenAIModel:
    """One model at one address. `slots` calls are made at a time; the others wait, by priority.

    `num_ctx` is what the server gives it: this protocol can neither ask nor set it. `proxy` is
    `http://host:port`.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        key: Key | None = None,
        *,
        clock: Clock,
        num_ctx: int = 16_384,
        temperature: float | None = None,
        slots: int = 4,
        timeouts: Timeouts | None = None,
        proxy: str | None = None,
        gauge: Gauge | None = None,
    ) -> None:
        self.endpoint = Endpoint(base_url, key or Key(), clock, proxy)
        self.model = model
        self.num_ctx = num_ctx
        self.temperature = temperature
        self.timeouts = timeouts or Timeouts()
        self.slots = Slots(slots, clock)
        self.gauge = gauge or Gauge()
        self._most = MOST
        self._clock = clock
        self._ids = Ids(clock)
        self._theirs: OrderedDict[str, str] = OrderedDict()  # our id of a call: the server's

    @property
    def name(self) -> str:
        return f"openai/{self.model}"

    @property
    def context_tokens(self) -> int:
        return self.num_ctx

    async def chat(self, request: ChatRequest, on_delta: OnDelta | None = None) -> Reply:
        """Answer. Raises ModelUnavailable, ModelBusy, ModelMissing, ModelUnable, PromptTooLong,
        BadReply, ModelError."""
        estimate = estimate_prompt(request)
        if self.gauge.cannot_fit(estimate, self.num_ctx):
            told = f"the prompt does not fit the {self.num_ctx} tokens of {self.model}"
            raise PromptTooLong(f"{told}: about {self.gauge.corrected(estimate)} tokens")
        answer = Answer(Site(self.endpoint.base_url, self.model, self.endpoint.key), on_delta)
        async with self.slots.slot(request.asker) as queued:
            begun = self._clock.monotonic()
            first = await self._ask(request, answer)
            ended = self._clock.monotonic()
        times = {
            "queue": queued,
            "prompt": first - begun,
            "eval": ended - first,
            "total": ended - begun,
        }
        return self._reply(request, answer, estimate, times)

    async def probe(self) -> str | None:
        return await self.endpoint.probe()

    async def aclose(self) -> None:
        await self.endpoint.aclose()

    async def _ask(self, request: ChatRequest, answer: Answer) -> float:
        """Send the request and take in the answer; when it began. OpenAI's newer models know the
        limit of an answer by another name only, and say so."""
        try:
            return await self._listen(self._body(request), answer)
        except ModelError as error:
            if self._most == NEWER_MOST or NEWER_MOST not in str(error):
                raise
            self._most = NEWER_MOST
        return await self._listen(self._body(request), answer)

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        body = request_body(request, self.model, self.temperature, self._theirs)
        if request.max_tokens is not None:
            body[self._most] = request.max_tokens
        return body

    async def _listen(self, body: Mapping[str, Any], answer: Answer) -> float:
        """Take in all of the answer, within the time that each part may take; when it began."""
        first: float | None = None
        stage, limit = "before its first word", self.timeouts.first_token
        try:
            async with (
                asyncio.timeout(limit) as deadline,
                aclosing(self.endpoint.chat(body)) as events,
            ):
                async for event in events:
                    answer.add(event)
                    first = self._clock.monotonic() if first is None else first
                    stage, limit = "in the middle of its answer", self.timeouts.idle
                    extend(deadline, self.timeouts.close if answer.is_whole else limit)
        except TimeoutError:
            if not answer.is_whole:
                told = f"{self.model} at {self.endpoint.base_url} was silent for {limit:g} s"
                raise ModelUnavailable(f"{told} {stage}") from None
        except ModelUnavailable:
            if not answer.is_whole:  # else all of it is here, and only the goodbye went wrong
                raise
        if not answer.is_whole or first is None:
            raise ModelUnavailable(
                f"{self.endpoint.base_url} ended the answer of {self.model} before it was done"
            )
        return first

    def _reply(
        self, request: ChatRequest, answer: Answer, estimate: int, times: Mapping[str, float]
    ) -> Reply:
        text, calls = self._calls(request, answer)
        if answer.finish == WITHHELD and not text and not calls:
            raise ModelUnable(f"{self.endpoint.base_url} withheld the answer of {self.model}")
        usage = answer.usage(estimate, estimate_tokens(text) + spoken(answer.calls))
        if not usage.estimated:
            self.gauge.learn(estimate, usage.prompt)
        return Reply(
            Message(Role.ASSISTANT, text, calls),
            usage,
            self.name,
            finish=answer.finish or "stop",
            timings=times,
            host=self.endpoint.host,
        )

    def _calls(self, request: ChatRequest, answer: Answer) -> tuple[str, Sequence[ToolCall]]:
        """The text without calls, and the calls, native ones or such as stand in the text."""
        text = answer.text
        if answer.calls:
            return text, [self._native(call, text) for call in answer.calls]
        return calls_in(text, request.tools, self.model, self._ids)

    def _native(self, called: Called, text: str) -> ToolCall:
        arguments = arguments_object(called.arguments)
        if not is_name(called.name) or arguments is None:
            raise BadReply(
                f"{self.model} wrote a broken tool call", f"{text}{called.name}{called.arguments}"
            )
        call = ToolCall(self._ids(), called.name, arguments)
        if 0 < len(called.id) <= LONGEST_ID:
            self._theirs[call.id] = whole(called.id)
            if len(self._theirs) > IDS_KEPT:
                self._theirs.popitem(last=False)
        return call


def spoken(calls: Sequence[Called]) -> int:
    """Tokens that calls took, about."""
    return sum(estimate_tokens(f"{call.name}{call.arguments}") for call in calls)
