"""A model on an Ollama server, asked through its own /api/chat.

The client underneath waits for ever, takes a stream that breaks off for a whole answer, and
lets the server cut a prompt without a word. Here every call is limited in time, must end with
a done line, and says its num_ctx; what does not fit is refused instead of cut.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any

from harness.clock import Clock
from harness.ids import Ids
from harness.models.gauge import Gauge
from harness.models.ollama_wire import Answer, finish_of, message_body, options_body, tool_body
from harness.models.patience import Patience
from harness.models.pool.elsewhere import serve_somewhere
from harness.models.pool.pool import Pool
from harness.models.pool.seat import Slot, Wish
from harness.models.pool.view import Spec
from harness.models.port import (
    BadReply,
    ChatRequest,
    Message,
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

log = logging.getLogger(__name__)


class OllamaModel:
    """One model of the pool's hosts. Many calls may be made at a time; they wait for their slots.

    `hosts` are the names of those that may serve it, all for None. `options` are Ollama's
    (temperature, top_p, seed, ...); `keep_alive` is that of the pool unless given: seconds, or a
    duration such as "15m". `think` is off unless asked for. The `gauge` knows how the model counts.
    """

    def __init__(
        self,
        pool: Pool,
        model: str,
        *,
        clock: Clock,
        hosts: frozenset[str] | None = None,
        num_ctx: int = 16_384,
        options: Mapping[str, Any] | None = None,
        keep_alive: float | str | None = None,
        think: bool | str = False,
        gauge: Gauge | None = None,
    ) -> None:
        self.pool = pool
        self.model = model
        self.hosts = hosts
        self.num_ctx = num_ctx
        self.options = dict(options or {})
        self.keep_alive = keep_alive
        self.think = think
        self.gauge = gauge or Gauge()
        self._ids = Ids(clock)
        self._closed = False
        pool.join()

    @property
    def name(self) -> str:
        return f"ollama/{self.model}"

    @property
    def context_tokens(self) -> int:
        return self.num_ctx

    async def chat(self, request: ChatRequest, on_delta: OnDelta | None = None) -> Reply:
        """Answer. Raises ModelUnavailable, ModelMissing, PromptTooLong, BadReply, ModelError."""
        estimate = estimate_prompt(request)
        if self.gauge.cannot_fit(estimate, self.num_ctx):
            raise self._too_long(f"about {self.gauge.corrected(estimate)} tokens")
        spec = Spec(self.model, self.num_ctx)
        wish = Wish(spec, self.hosts, request.asker, keep_alive=self.keep_alive)

        async def ask(slot: Slot) -> Reply:
            answer = Answer(slot.host.base_url, self.model, on_delta)
            await self._listen(slot, request, answer)
            reply = self._reply(request, answer, estimate, slot.num_ctx)
            slot.goes_on = bool(reply.message.tool_calls)
            return with_slot(reply, slot)

        void = partial(on_delta, None) if on_delta else nothing
        return await serve_somewhere(self.pool, wish, ask, void)

    async def probe(self) -> str | None:
        return await self.pool.probe(self.model, self.hosts)

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            await self.pool.leave()

    def _body(self, request: ChatRequest, num_ctx: int) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [message_body(message) for message in request.messages],
            "options": options_body(request, num_ctx, self.options),
            "stream": True,
            "think": self.think,
            "truncate": False,
        }
        if request.tools:
            body["tools"] = [tool_body(tool) for tool in request.tools]
        if request.format is not None:
            body["format"] = dict(request.format)
        return body

    async def _listen(self, slot: Slot, request: ChatRequest, answer: Answer) -> None:
        """Take in all lines of the answer, within the time that each may take."""
        host, timeouts = slot.host, self.pool.timeouts
        deadline = asyncio.timeout(timeouts.load)  # it is loaded, unless somebody evicted it
        patience = Patience(
            deadline,
            timeouts,
            is_loaded=lambda: host.holds(self.model),
            is_talking=lambda: host.talks(self.model),
        )
        body = self._body(request, slot.num_ctx or self.num_ctx)
        try:
            async with deadline, aclosing(host.chat(body)) as lines:
                async for line in lines:
                    answer.add(line)
                    patience.heard() if answer.last is None else patience.done()
        except TimeoutError:
            if answer.last is None:
                raise ModelUnavailable(
                    f"{self.model} at {host.base_url} was silent for {patience.stage}"
                ) from None
        except ModelUnavailable:
            if answer.last is None:  # else all of it is here, and only the goodbye went wrong
                raise
        finally:
            await patience.end()
        if answer.last is None:
            raise ModelUnavailable(
                f"{host.base_url} ended the answer of {self.model} before it was done"
            )

    def _reply(self, request: ChatRequest, answer: Answer, estimate: int, loaded: int = 0) -> Reply:
        assert answer.last is not None
        text, calls = self._calls(request, answer)
        usage = answer.usage(estimate, estimate_tokens(text))
        if not usage.estimated:
            self._check_count(usage.prompt, estimate, loaded or self.num_ctx)
        return Reply(
            Message(Role.ASSISTANT, text, calls),
            usage,
            self.name,
            finish=finish_of(answer.last.get("done_reason")),
            timings=answer.timings(),
        )

    def _calls(self, request: ChatRequest, answer: Answer) -> tuple[str, Sequence[ToolCall]]:
        """The text without calls, and the calls, native ones or such as stand in the text."""
        text = answer.text
        if answer.tool_calls:
            return text, [self._native(call, text) for call in answer.tool_calls]
        return calls_in(text, request.tools, self.model, self._ids)

    def _native(self, function: Mapping[str, Any], text: str) -> ToolCall:
        name = function.get("name")
        arguments = arguments_object(function.get("arguments"))
        if not is_name(name) or arguments is None:
            raise BadReply(f"{self.model} wrote a broken tool call", f"{text}{dict(function)}")
        return ToolCall(self._ids(), name, arguments)

    def _check_count(self, counted: int, estimate: int, num_ctx: int) -> None:
        """Learn from how many tokens the server counted. Raises PromptTooLong when it cut some."""
        if self.gauge.was_cut(estimate, counted, num_ctx):
            likely = self.gauge.corrected(estimate)
            error = self._too_long(f"the server read {counted} of about {likely} tokens")
            log.warning("a server cut a prompt without a word: %s", error)
            raise error
        self.gauge.learn(estimate, counted)

    def _too_long(self, detail: str) -> PromptTooLong:
        return PromptTooLong(
            f"the prompt does not fit the {self.num_ctx} tokens of {self.model}: {detail}"
        )


def with_slot(reply: Reply, slot: Slot) -> Reply:
    """A reply with where it was given, and what was waited for: in line (`queue`), and for the
    load, which the server tells of only where it loaded once more."""
    timings = dict(reply.timings)
    timings["load"] = timings.get("load", 0.0) + slot.load
    timings |= {"queue": slot.queued, "sent_back": float(slot.sent_back)}
    return replace(reply, timings=timings, host=slot.host.name, why=slot.why)


def nothing() -> None:
    """Nobody listens."""
