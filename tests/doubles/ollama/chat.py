"""/api/chat and /api/generate: checks, a slot, the prompt cut to fit, then lines."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tests.doubles.ollama.answers import BUSY, Answer, Fault
from tests.doubles.ollama.durations import keep_alive_seconds
from tests.doubles.ollama.engine import Busy, Runner, Weights
from tests.doubles.ollama.http import Exchange
from tests.doubles.ollama.prompts import TooLong, count, fit

if TYPE_CHECKING:
    from tests.doubles.ollama.double import Call, OllamaDouble

BROKEN_RAW = '{"query": "unfinished'


class Dialect(StrEnum):
    """Where the text stands in a line."""

    CHAT = "message"
    GENERATE = "response"


class Refused(Exception):
    """An error before the first byte."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


@dataclass(frozen=True)
class Turn:
    """Everything that one generation needs to know."""

    double: OllamaDouble
    exchange: Exchange
    call: Call
    dialect: Dialect
    answer: Answer
    began: float
    load_seconds: float
    prompt_tokens: int

    def line(self, done: bool, **message: Any) -> dict[str, Any]:
        content = message.pop("content", "")
        body: dict[str, Any] = {
            "model": self.call.body["model"],
            "created_at": rfc3339(self.double.clock.now()),
        }
        if self.dialect is Dialect.CHAT:
            body["message"] = {"role": "assistant", "content": content, **message}
        else:
            body |= {"response": content, **message}
        return body | {"done": done}

    def last_line(self) -> dict[str, Any]:
        """The done line; as the server does, it leaves out what is zero."""
        answer, now = self.answer, self.double.clock.monotonic()
        written = "".join([answer.thinking, answer.text, *map(json.dumps, answer.calls)])
        figures = {
            "total_duration": nanoseconds(now - self.began),
            "load_duration": nanoseconds(self.load_seconds),
            "prompt_eval_count": self.prompt_tokens,
            "prompt_eval_duration": nanoseconds(answer.first_after),
            "eval_count": count(written),
            "eval_duration": nanoseconds(answer.piece_after * len(answer.pieces)),
        }
        kept = {name: value for name, value in figures.items() if value}
        return self.line(True) | {"done_reason": answer.done_reason} | kept


async def serve(double: OllamaDouble, exchange: Exchange, call: Call, dialect: Dialect) -> None:
    """Answer one request to the end, whatever the end is."""
    call.outcome = "cancelled"  # until something else is known: the client may hang up any time
    try:
        weights, keep_alive = check(double, call.body)
        if not (call.body.get("messages") or call.body.get("prompt")):
            await _load_only(double, exchange, call, weights, keep_alive)
            return
        answer = double.next_answer(call.body)
        if answer.status != 200:
            raise Refused(answer.status, answer.error or f"scripted {answer.status}")
        options = call.body.get("options") or {}
        async with double.engine.slot(weights, options, keep_alive) as (runner, load_seconds):
            tokens = _cut(double, call, runner)
            began = double.clock.monotonic() - load_seconds
            turn = Turn(double, exchange, call, dialect, answer, began, load_seconds, tokens)
            await _generate(turn)
    except Busy:
        call.outcome = "503"
        await exchange.send(503, {"error": BUSY.error})
    except Refused as refused:
        call.outcome = str(refused.status)
        await exchange.send(refused.status, {"error": str(refused)})


def check(double: OllamaDouble, body: Mapping[str, Any]) -> tuple[Weights, float | None]:
    """The model and the keep-alive asked for. Raises Refused."""
    name = body.get("model")
    if not name:
        raise Refused(400, "model is required")
    weights = double.find(str(name))
    if weights is None:
        raise Refused(404, f"model '{name}' not found")
    can = weights.capabilities
    if "completion" not in can:
        raise Refused(400, f'"{name}" does not support chat')
    if body.get("tools") and "tools" not in can:
        raise Refused(400, f"{name} does not support tools")
    if body.get("think") and "thinking" not in can:
        raise Refused(400, f'"{name}" does not support thinking')
    try:
        return weights, keep_alive_seconds(body.get("keep_alive"))
    except ValueError as error:
        raise Refused(400, str(error)) from None


def _cut(double: OllamaDouble, call: Call, runner: Runner) -> int:
    messages = call.body.get("messages") or [{"role": "user", "content": call.body["prompt"]}]
    truncate = bool(call.body.get("truncate", True)) or not double.rules.knows_truncate
    try:
        call.seen, tokens = fit(messages, call.body.get("tools") or (), runner.context, truncate)
    except TooLong:
        raise Refused(400, "the input length exceeds the context length") from None
    return tokens


async def _load_only(
    double: OllamaDouble,
    exchange: Exchange,
    call: Call,
    weights: Weights,
    keep_alive: float | None,
) -> None:
    began = double.clock.monotonic()
    if keep_alive == 0.0:
        double.engine.unload(weights)
        answer, load_seconds = Answer(done_reason="unload"), 0.0
    else:
        answer = Answer(done_reason="load")
        options = call.body.get("options") or {}
        async with double.engine.slot(weights, options, keep_alive) as (_, load_seconds):
            pass
    turn = Turn(double, exchange, call, Dialect.CHAT, answer, began, load_seconds, 0)
    call.outcome = "done"
    await exchange.send(200, turn.last_line())


async def _generate(turn: Turn) -> None:
    await turn.double.clock.sleep(turn.answer.first_after)
    if turn.call.body.get("stream", True):
        await _stream(turn)
    else:
        await _whole(turn)


async def _stream(turn: Turn) -> None:
    async for line in _lines(turn):
        if isinstance(line, Fault):
            await _fail(turn, line)
            return
        await turn.exchange.line(line)
    await turn.exchange.line(turn.last_line())
    turn.call.outcome = "done"
    await turn.exchange.end()


async def _whole(turn: Turn) -> None:
    gathered: dict[str, Any] = {"content": turn.answer.text}
    if turn.answer.thinking:
        gathered["thinking"] = turn.answer.thinking
    async for line in _lines(turn):
        if isinstance(line, Fault):
            await _fail(turn, line)
            return
    if turn.answer.calls:
        gathered["tool_calls"] = _tool_calls(turn.answer)
    turn.call.outcome = "done"
    await turn.exchange.send(
        200,
        turn.line(True, **gathered)
        | turn.last_line()
        | (
            {"message": {"role": "assistant", **gathered}}
            if turn.dialect is Dialect.CHAT
            else {"response": turn.answer.text}
        ),
    )


async def _lines(turn: Turn) -> AsyncIterator[dict[str, Any] | Fault]:
    """Every line before the last, or the fault that takes its place."""
    answer = turn.answer
    if answer.thinking:
        yield turn.line(False, thinking=answer.thinking)
    for sent, piece in enumerate(answer.pieces):
        if answer.fault and sent == answer.fault_after:
            yield answer.fault
            return
        await turn.double.clock.sleep(answer.piece_after) if answer.piece_after else None
        yield turn.line(False, content=piece)
    if answer.fault:
        yield answer.fault
        return
    for tool_call in _tool_calls(answer):
        yield turn.line(False, tool_calls=[tool_call])


async def _fail(turn: Turn, fault: Fault) -> None:
    exchange, answer = turn.exchange, turn.answer
    turn.call.outcome = fault.value
    match fault:
        case Fault.DROP:
            exchange.drop()
        case Fault.END:
            await exchange.end()
        case Fault.HANG:
            turn.call.outcome = "cancelled"
            await asyncio.Event().wait()
        case Fault.GARBAGE:
            await exchange.line(b"{not json")
            await exchange.end()
        case Fault.NOT_AN_OBJECT:
            await exchange.line(b'["a", "list"]')
            await exchange.end()
        case Fault.ERROR_LINE:
            await exchange.line({"error": answer.error or "an error was encountered"})
            await exchange.end()
        case Fault.BROKEN_CALL:
            await _broken_call(exchange)


async def _broken_call(exchange: Exchange) -> None:
    error = f"error parsing tool call: raw='{BROKEN_RAW}', err=unexpected end of JSON input"
    if exchange.streaming:
        await exchange.line({"error": error})
        await exchange.end()
    else:
        await exchange.send(500, {"error": error})


def _tool_calls(answer: Answer) -> list[dict[str, Any]]:
    return [
        {"id": f"call_{secrets.token_hex(4)}", "function": {"index": index, **wanted}}
        for index, wanted in enumerate(answer.calls)
    ]


def nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


def rfc3339(moment: datetime) -> str:
    """Nanoseconds and Z, as Go writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
