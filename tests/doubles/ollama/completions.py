"""/v1/chat/completions: the same models in OpenAI's form. It cannot set num_ctx."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.doubles.ollama import chat
from tests.doubles.ollama.answers import BUSY, Answer
from tests.doubles.ollama.engine import Busy
from tests.doubles.ollama.http import Exchange
from tests.doubles.ollama.prompts import count, fit

if TYPE_CHECKING:
    from tests.doubles.ollama.double import Call, OllamaDouble


async def serve(double: OllamaDouble, exchange: Exchange, call: Call) -> None:
    """Streams as server-sent events only when asked: the default here is a whole answer."""
    body = call.body
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
                await _stream(exchange, call, answer)
            else:
                await exchange.send(200, _whole(call, answer, tokens))
        call.outcome = "done"
    except Busy:
        await exchange.send(503, _error(BUSY.error))
    except chat.Refused as refused:
        await exchange.send(refused.status, _error(str(refused)))


async def _stream(exchange: Exchange, call: Call, answer: Answer) -> None:
    exchange.start("text/event-stream")
    for piece in answer.pieces:
        await exchange.line(_event(call, {"role": "assistant", "content": piece}, None))
    if answer.calls:
        await exchange.line(_event(call, {"tool_calls": _tool_calls(answer)}, None))
    await exchange.line(_event(call, {}, _finish(answer)))
    await exchange.line(b"data: [DONE]\n")
    await exchange.end()


def _event(call: Call, delta: dict[str, Any], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {"object": "chat.completion.chunk", "model": call.body["model"], "choices": [choice]}
    return f"data: {json.dumps(body)}\n".encode()


def _whole(call: Call, answer: Answer, prompt_tokens: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.calls:
        message["tool_calls"] = _tool_calls(answer)
    written = count(answer.text)
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": written}
    choice = {"index": 0, "message": message, "finish_reason": _finish(answer)}
    return {
        "object": "chat.completion",
        "model": call.body["model"],
        "choices": [choice],
        "usage": usage | {"total_tokens": prompt_tokens + written},
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
