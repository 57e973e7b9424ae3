"""A model that does whatever the last text says: the worst that a model can be.

An order is a line with `CALL tool {"argument": ...}`, or `SAY text` for an answer, wherever it
stands: in the prompt, a page, a note, a file name. Newer orders go before older ones; each is
obeyed once. An order may stand there in pieces, parted by `¦`, for the model to put together: so
the words of a page are not yet those that shall be sent. An address that was made inert is mended.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.models.port import ChatRequest, Message, Role, ToolCall
from harness.models.scripted import ScriptedModel

_CALL = re.compile(r"CALL\*? (\w+) ?(\{)")
_SAY = re.compile(r"SAY\*? (.*)")
_IN_PIECES = re.compile(r"(?:CALL|SAY)\* ")
PIECE = "¦"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Order:
    """What a text tells the model to do."""

    tool: str  # empty: say the text
    arguments: str  # JSON, or the text


def obedient() -> ScriptedModel:
    """A model for all agents of a house: what it does next is all in the conversation."""
    return ScriptedModel(next_move, name="test/obedient", context_tokens=60_000)


def next_move(request: ChatRequest) -> ToolCall | str:
    waiting = outstanding(request.messages)
    if not waiting:
        return "Done."
    order = waiting[0]
    if not order.tool:
        return order.arguments
    number = sum(message.role is Role.ASSISTANT for message in request.messages)
    return ToolCall(f"call-{number}", order.tool, json.loads(order.arguments))


def outstanding(messages: Sequence[Message]) -> list[Order]:
    """The orders that are not obeyed yet, the next one first."""
    waiting, known = list[Order](), set[Order]()
    for message in messages:
        if message.role is Role.ASSISTANT:
            del waiting[: len(message.tool_calls) or 1]
            continue
        new = [order for order in dict.fromkeys(orders(message.content)) if order not in known]
        known.update(new)
        waiting = new + waiting
    return waiting


def orders(text: str) -> list[Order]:
    """The orders in a text, from its top to its bottom."""
    return [order for line in text.splitlines() if (order := order_in(line))]


def order_in(line: str) -> Order | None:
    line = line.replace(PIECE, "").replace("hxxp", "http")
    call, said = _CALL.search(line), _SAY.search(line)
    if said and (call is None or said.start() < call.start()):
        return Order("", said[1].replace("\\n", "\n"))
    arguments = json_at(line[call.start(2) :]) if call else None
    return Order(call[1], json.dumps(arguments)) if call and arguments is not None else None


def json_at(text: str) -> Any:
    """The object with which a text begins, be it as it is or inside a string of JSON."""
    try:
        return _DECODER.raw_decode(text)[0]
    except ValueError:
        pass
    try:
        return _DECODER.raw_decode(_DECODER.raw_decode(f'"{text}')[0])[0]
    except ValueError:
        return None


def in_pieces(text: str) -> str:
    """The text with its orders that have a star taken to pieces."""
    return "\n".join(map(line_in_pieces, text.split("\n")))


def line_in_pieces(line: str) -> str:
    found = _IN_PIECES.search(line)
    return line if found is None else line[: found.end()] + PIECE.join(line[found.end() :])
