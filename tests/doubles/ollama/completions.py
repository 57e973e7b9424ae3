"""/v1/chat/completions: the same models in OpenAI's form. It cannot set num_ctx."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.doubles.ollama import chat
from tests.doubles.ollama.answers import BUSY, Answer, Fault
from tests.doubles.ollama.engine import Busy, Crashed
from tests.doubles.ollama.http import Exchange
from tests.doubles.ollama.prompts import count, fit

if TYPE_CHECKING:
    from tests.doubles.ollama.double import Call, OllamaDouble


async def serve(double: OllamaDouble, exchange: Exchange, call: Call) -> None:
    """Streams as server-sent events only when asked: the default here is a whole answer."""
    body = call.body
    call.outcome = "cancelled"  # until something else is known, as in chat.py
    try:
        weights, _ = chat.check(double, body)
        answer = double.next_answer(body)
        if answer.status != 200:
            raise chat.Refused(answer.status, answer.error or f"scripted {answer.status}")
        async with double.engine.slot(weights, {}, None) as (runner, _):
            tools = body.get("tools") or ()
            call.seen, tokens = fit(body.get("messages") or [], tools, runner.context, True)
            await double.clock.sleep(answer.first_after)
            if body.get("stream"):
                await _stream(double, exchange, call, answer, tokens)
            else:
                await exchange.send(200, _whole(call, answer, tokens))
                call.outcome = "done"
    except Busy:
        call.outcome = "503"
        await exchange.send(503, _error(BUSY.error))
    except Crashed as crash:
        call.outcome = "crashed"
        await exchange.send(500, _error(str(crash)))
    except chat.Refused as refused:
        call.outcome = str(refused.status)
        await exchange.send(refused.status, _error(str(refused)))


async def _stream(
    double: OllamaDouble, exchange: Exchange, call: Call, answer: Answer, prompt_tokens: int
) -> None:
    exchange.start("text/event-stream")
    for sent, piece in enumerate(answer.pieces):
        if answer.fault and sent == answer.fault_after:
            break
        await double.clock.sleep(answer.piece_after)
        await exchange.line(_event(call, {"role": "assistant", "content": piece}, None))
    if answer.fault:
        await _fail(exchange, call, answer, answer.fault)
        return
    for delta in _call_pieces(answer):
        await exchange.line(_event(call, delta, None))
    await exchange.line(_event(call, {}, _finish(answer)))
    if (call.body.get("stream_options") or {}).get("include_usage"):
        await exchange.line(_event(call, None, None, _usage(answer, prompt_tokens)))
    await exchange.line(b"data: [DONE]\n")
    call.outcome = "done"
    await exchange.end()


async def _fail(exchange: Exchange, call: Call, answer: Answer, fault: Fault) -> None:
    call.outcome = fault.value
    match fault:
        case Fault.DROP:
            exchange.drop()
            return
        case Fault.HANG:
            call.outcome = "cancelled"
            await asyncio.Event().wait()
        case Fault.GARBAGE:
            await exchange.line(b"data: {not json\n")
        case Fault.NOT_AN_OBJECT:
            await exchange.line(b'data: ["a", "list"]\n')
        case Fault.ERROR_LINE | Fault.BROKEN_CALL:
            usual = chat.BROKEN_CALL if fault is Fault.BROKEN_CALL else "an error was encountered"
            told = _error(answer.error or usual)
            await exchange.line(f"data: {json.dumps(told)}\n".encode())
    await exchange.end()


def _event(
    call: Call, delta: dict[str, Any] | None, finish: str | None, usage: object = None
) -> bytes:
    """The event that counts tokens has no choice in it."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body: dict[str, Any] = {"object": "chat.completion.chunk", "model": call.body["model"]}
    body["choices"] = [] if delta is None else [choice]
    if usage is not None:
        body["usage"] = usage
    return f"data: {json.dumps(body)}\n".encode()


def _call_pieces(answer: Answer) -> Iterator[dict[str, Any]]:
    """The arguments of a call come in pieces after its name, all calls by their index."""
    for called in _tool_calls(answer):
        function, index = called["function"], called["index"]
        text = function["arguments"]
        yield {"tool_calls": [called | {"function": function | {"arguments": ""}}]}
        for start in range(0, len(text), answer.piece):
            piece = {"arguments": text[start : start + answer.piece]}
            yield {"tool_calls": [{"index": index, "function": piece}]}


def _usage(answer: Answer, prompt_tokens: int) -> dict[str, int]:
    written = count("".join([answer.text, *map(json.dumps, answer.calls)]))
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": written,
        "total_tokens": prompt_tokens + written,
    }


def _whole(call: Call, answer: Answer, prompt_tokens: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.calls:
        message["tool_calls"] = _tool_calls(answer)
    choice = {"index": 0, "message": message, "finish_reason": _finish(answer)}
    return {
        "object": "chat.completion",
        "model": call.body["model"],
        "choices": [choice],
        "usage": _usage(answer, prompt_tokens),
    }


def _tool_calls(answer: Answer) -> list[dict[str, Any]]:
    """Here the arguments are a string."""
    return [
        {
            "id": f"call_{index}",
            "index": index,
            "type": "function",
            "function": {"name": call["name"], "arguments": json.dumps(call["arguments"])},
        }
        for index, call in enumerate(answer.calls)
    ]


def _finish(answer: Answer) -> str:
    return "tool_calls" if answer.calls else answer.done_reason


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "api_error", "param": None, "code": None}}
