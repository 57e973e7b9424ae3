"""/api/chat and /api/generate: checks, a slot, the prompt cut to fit, then lines."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from tests.doubles.ollama.answers import BUSY, Answer, Fault
from tests.doubles.ollama.durations import keep_alive_seconds
from tests.doubles.ollama.engine import Busy, Crashed, Weights
from tests.doubles.ollama.http import Exchange
from tests.doubles.ollama.prompts import TooLong, fit, rendered
from tests.doubles.ollama.runner import Runner
from tests.doubles.ollama.turn import Dialect, Turn

if TYPE_CHECKING:
    from tests.doubles.ollama.double import Call, OllamaDouble

BROKEN_RAW = '{"query": "unfinished'
BROKEN_CALL = f"error parsing tool call: raw='{BROKEN_RAW}', err=unexpected end of JSON input"


class Refused(Exception):
    """An error before the first byte."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


async def serve(double: OllamaDouble, exchange: Exchange, call: Call, dialect: Dialect) -> None:
    """Answer one request to the end, whatever the end is."""
    call.outcome = "cancelled"  # until something else is known: the client may hang up any time
    try:
        weights, keep_alive = known(double, call.body)
        empty = not (call.body.get("messages") or call.body.get("prompt"))
        if empty and keep_alive == 0.0:
            await _unload(double, exchange, call, dialect, weights)
            return
        able(weights, call.body, "chat" if dialect is Dialect.CHAT else "generate")
        if empty:
            await _load_only(double, exchange, call, dialect)
            return
        answer = double.next_answer(call.body)
        if answer.status != 200:
            raise Refused(answer.status, answer.error or f"scripted {answer.status}")
        options = call.body.get("options") or {}
        began = double.clock.monotonic()
        async with double.engine.seat(weights, options, keep_alive) as seat:
            tokens = _cut(double, call, seat.runner)
            loading = seat.load_seconds
            turn = Turn(double, exchange, call, dialect, answer, began, seat, loading, tokens)
            await _generate(turn)
    except Busy:
        call.outcome = "503"
        await exchange.send(503, {"error": BUSY.error})
    except Crashed as crash:
        call.outcome = "crashed"
        await exchange.send(500, {"error": str(crash)})
    except Refused as refused:
        call.outcome = str(refused.status)
        await exchange.send(refused.status, {"error": str(refused)})


def check(double: OllamaDouble, body: Mapping[str, Any]) -> tuple[Weights, float | None]:
    """The model, able to do what is asked, and the keep-alive asked for. Raises Refused."""
    weights, keep_alive = known(double, body)
    able(weights, body, "chat")
    return weights, keep_alive


def known(double: OllamaDouble, body: Mapping[str, Any]) -> tuple[Weights, float | None]:
    """The model and the keep-alive asked for. Raises Refused."""
    name = body.get("model")
    if not name:
        raise Refused(400, "model is required")
    weights = double.find(str(name))
    if weights is None:
        raise Refused(404, f"model '{name}' not found")
    try:
        return weights, keep_alive_seconds(body.get("keep_alive"))
    except ValueError as error:
        raise Refused(400, str(error)) from None


def able(weights: Weights, body: Mapping[str, Any], deed: str) -> None:
    """Raises Refused where the model lacks what the request needs."""
    name, can = body["model"], weights.capabilities
    if "completion" not in can:
        raise Refused(400, f'"{name}" does not support {deed}')
    if body.get("tools") and "tools" not in can:
        raise Refused(400, f"{name} does not support tools")
    if body.get("think") and "thinking" not in can:
        raise Refused(400, f'"{name}" does not support thinking')


def _cut(double: OllamaDouble, call: Call, runner: Runner) -> int:
    messages = call.body.get("messages") or [{"role": "user", "content": call.body["prompt"]}]
    truncate = bool(call.body.get("truncate", True)) or not double.rules.knows_truncate
    try:
        call.seen, tokens = fit(messages, call.body.get("tools") or (), runner.context, truncate)
    except TooLong:
        raise Refused(400, "the input length exceeds the context length") from None
    return tokens


async def _load_only(
    double: OllamaDouble, exchange: Exchange, call: Call, dialect: Dialect
) -> None:
    """An empty request: the model is brought in, and its keep-alive set."""
    weights, keep_alive = known(double, call.body)
    began, options = double.clock.monotonic(), call.body.get("options") or {}
    async with double.engine.seat(weights, options, keep_alive) as seat:
        pass
    answer, seconds = Answer(done_reason="load"), seat.load_seconds
    turn = Turn(double, exchange, call, dialect, answer, began, load_seconds=seconds)
    call.outcome = "done"
    await exchange.send(200, turn.last_line())


async def _unload(
    double: OllamaDouble, exchange: Exchange, call: Call, dialect: Dialect, weights: Weights
) -> None:
    double.engine.unload(weights)
    began, answer = double.clock.monotonic(), Answer(done_reason="unload")
    call.outcome = "done"
    turn = Turn(double, exchange, call, dialect, answer, began)
    await exchange.send(200, turn.last_line())


async def _generate(turn: Turn) -> None:
    await turn.read(rendered(turn.call.seen, turn.call.body.get("tools") or ()))
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
        await turn.write(answer.thinking)
        yield turn.line(False, thinking=answer.thinking)
    for sent, piece in enumerate(answer.pieces):
        if answer.fault and sent == answer.fault_after:
            yield answer.fault
            return
        await turn.write(piece, answer.piece_after)
        yield turn.line(False, content=piece)
    if answer.fault:
        yield answer.fault
        return
    for tool_call in _tool_calls(answer):
        await turn.write(json.dumps(tool_call["function"]))
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
    if exchange.streaming:
        await exchange.line({"error": BROKEN_CALL})
        await exchange.end()
    else:
        await exchange.send(500, {"error": BROKEN_CALL})


def _tool_calls(answer: Answer) -> list[dict[str, Any]]:
    return [
        {"id": f"call_{secrets.token_hex(4)}", "function": {"index": index, **wanted}}
        for index, wanted in enumerate(answer.calls)
    ]
