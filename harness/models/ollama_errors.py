"""What went wrong with a call to an Ollama server, in the port's words.

The client lets five unrelated kinds of exception through; what each means is decided here.
"""

from __future__ import annotations

import re

import httpx
from ollama import ResponseError

from harness.models.port import (
    BadReply,
    ModelBusy,
    ModelError,
    ModelMissing,
    ModelUnable,
    ModelUnavailable,
    PromptTooLong,
)
from harness.text.invisible import visible
from harness.text.words import clip

LONGEST_ECHO = 600  # characters of what a server says

# What the client may raise while it talks: its own, the transport's, and what escapes from it
# when what it reads is no JSON (ValueError), nested without end (RecursionError), or JSON of
# another shape (AttributeError, TypeError).
TROUBLE = (
    ResponseError,
    httpx.HTTPError,
    ConnectionError,
    ValueError,
    RecursionError,
    AttributeError,
    TypeError,
)

_OVERFLOW = re.compile(r"exceed\w*.*context|context.*(?:exceed|overflow|too long)", re.IGNORECASE)
_TOOL_CALL = re.compile(r"pars\w+.*tool.?call|tool.?call.*pars", re.IGNORECASE | re.DOTALL)
_RAW = re.compile(r"raw='(.*)', err=", re.DOTALL)
_BUSY = frozenset({429, 503})
_RETRYABLE = frozenset({-1, 408, 499})


def explain(error: Exception, server: str, model: str) -> ModelError:
    """The port's error for what the client raised."""
    match error:
        case ResponseError():
            return answered(str(error.error), error.status_code, server, model)
        case httpx.ConnectError() | httpx.ConnectTimeout() | ConnectionError():
            return unreachable(server)
        case httpx.HTTPError():
            return ModelUnavailable(f"{server} broke off while {model} answered: {told(error)}")
        case _:
            return ModelUnavailable(
                f"{server} sent something that is not Ollama's protocol: {told(error)}"
            )


def answered(text: str, status: int, server: str, model: str) -> ModelError:
    """The error for what the server itself said; status -1 is an error line within a stream."""
    raw = _RAW.search(text)
    text = visible(clip(text, LONGEST_ECHO))
    said = f"{server}: {text}" if status < 0 else f"{server} answered {status}: {text}"
    if _OVERFLOW.search(text):
        return PromptTooLong(f"the prompt does not fit the context of {model}: {text}")
    if _TOOL_CALL.search(text):
        return BadReply(f"{model} wrote a broken tool call", raw.group(1) if raw else text)
    if status == 404:
        return _not_found(text, said, server, model)
    if "does not support tools" in text:
        return ModelUnable(said, hint=f"{model} cannot call tools: choose another model")
    if "does not support thinking" in text:
        return ModelUnable(said, hint=f"set `think: false` for {model}")
    if "does not support chat" in text:
        return ModelUnable(said, hint=f"{model} is no model to talk to: choose another one")
    if status in _BUSY:
        return ModelBusy(said)
    if status in _RETRYABLE or status >= 500:
        return ModelUnavailable(said)
    return ModelError(said)


def unreachable(server: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"nothing answers at {server}",
        hint="start it with `ollama serve`, or set OLLAMA_HOST to where it runs",
    )


def missing(server: str, model: str, present: list[str] | None = None) -> ModelMissing:
    """`present`: the models that are there, where that is known."""
    has = visible(clip(", ".join(present or ["none"]), LONGEST_ECHO))
    there = f"; it has {has}" if present is not None else ""
    return ModelMissing(f"{server} has no model {model}{there}", hint=f"ollama pull {model}")


def told(error: Exception) -> str:
    """An exception in a few words, also one that carries no message."""
    said = visible(clip(str(error), LONGEST_ECHO))
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _not_found(text: str, said: str, server: str, model: str) -> ModelError:
    if "model" in text:
        return missing(server, model)
    return ModelUnavailable(said, hint=f"is it an Ollama server that listens at {server}?")
