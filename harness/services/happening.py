"""What those who listen to a task are told, as it happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.models.port import Message, Role, ToolCall
from harness.session.line import plain, step_of
from harness.session.steps import (
    Compacted,
    NoteArrived,
    Replied,
    Step,
    ToolFinished,
    ToolStarted,
)
from harness.text.secrets import Redactor
from harness.text.words import clip

NOTE_CHARS = 300
ARGUMENT_CHARS = 80  # of one argument of a call
ARGUMENTS = 6  # of a call


@dataclass(frozen=True)
class StepTaken:
    """The session took a step: what happened, without the long texts in it (see `outline`)."""

    step: Step


@dataclass(frozen=True)
class Said:
    """The model says this, after what it said before."""

    text: str


@dataclass(frozen=True)
class Void:
    """What was said since the last step is void: the answer begins anew."""


@dataclass(frozen=True)
class Missed:
    """Here the listener was too slow, and this is missing."""

    chars: int = 0
    steps: int = 0


@dataclass(frozen=True)
class Ended:
    """The attempt is over. Whether the task is, stands on the bus."""

    attempt: int
    reason: str  # as in session.steps.Reason, or `broke_off`
    outcome: str  # empty where none can be told
    detail: str = ""


Happening = StepTaken | Said | Void | Missed | Ended


def outline(step: Step, redactor: Redactor) -> Step:
    """What happened in a step, without secrets and in a few hundred characters.

    Answers come as words, or as the final; of results the transcript has the text.
    """
    clean = step_of(redactor.value(plain(step)))
    match clean:
        case NoteArrived():
            return replace(clean, text=clip(clean.text, NOTE_CHARS))
        case Replied():
            return replace(clean, reply=replace(clean.reply, message=Message(Role.ASSISTANT, "")))
        case ToolStarted():
            return replace(clean, call=shortened(clean.call))
        case ToolFinished():
            text = "" if clean.result.ok else clip(clean.result.text, NOTE_CHARS)
            name = clip(clean.result.name, ARGUMENT_CHARS)
            return replace(clean, result=replace(clean.result, name=name, text=text, data=None))
        case Compacted():
            return replace(clean, text="")
        case _:
            return clean


def shortened(call: ToolCall) -> ToolCall:
    """The call with the beginnings of its first arguments."""
    few = list(call.arguments.items())[:ARGUMENTS]
    arguments = {clip(name, ARGUMENT_CHARS): short(value) for name, value in few}
    return replace(call, name=clip(call.name, ARGUMENT_CHARS), arguments=arguments)


def short(value: object) -> object:
    known = value is None or isinstance(value, bool | int | float)
    return value if known else clip(str(value), ARGUMENT_CHARS)


def shape(happening: Happening) -> Mapping[str, Any]:
    """A happening as one plain JSON object, with its type by name."""
    match happening:
        case StepTaken(Replied(turn, reply)):
            return {
                "type": "reply",
                "turn": turn,
                "model": reply.model,
                "degraded": reply.degraded,
                "finish": reply.finish,
                "prompt": reply.usage.prompt,
                "completion": reply.usage.completion,
            }
        case StepTaken(ToolFinished(turn, result)):
            facts = {"id": result.call_id, "name": result.name, "ok": result.ok}
            return {"type": "result", "turn": turn, **facts, "text": result.text}
        case StepTaken(step):
            return plain(step)
        case Said(text):
            return {"type": "said", "text": text}
        case Void():
            return {"type": "void"}
        case Missed():
            return {"type": "missed", **vars(happening)}
        case Ended():
            return {"type": "ended", **vars(happening)}
