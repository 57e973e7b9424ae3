"""What went wrong with a call to an OpenAI-compatible server, in the port's words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from harness.models.openai.key import Key
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

LONGEST_ECHO = 300  # characters of what a server says
LONGEST_AFTER = 600.0  # seconds: no server makes us wait for longer

# OpenAI's code, llama.cpp's type, and the words of vLLM and others
_OVERFLOW = re.compile(
    r"context_length_exceeded|exceed_context_size|(?:context|model) (?:length|size|window)"
    r"|prompt is too long|reduce the length of the (?:messages|prompt)",
    re.IGNORECASE,
)
_TOOLS = re.compile(
    r"\btools?\b.*(?:support|require|enable)|(?:support|enable).*\btools?\b",
    re.IGNORECASE | re.DOTALL,
)
_FORMAT = re.compile(r"response_format|json_schema|guided", re.IGNORECASE)
_UNREADABLE = re.compile(  # llama.cpp's words, and Ollama's behind this protocol
    r"does not match the expected .*format|pars\w+.*tool.?call", re.IGNORECASE | re.DOTALL
)
_SPENT = re.compile(r"insufficient_quota|billing", re.IGNORECASE)
_REFUSED = frozenset({400, 413, 422, 500, 501})  # where servers say that they lack something
_BUSY = frozenset({429, 503})
_RETRYABLE = frozenset({402, 408, 409, 425, 499})


@dataclass(frozen=True)
class Site:
    """Which model of which server was asked, with which key."""

    server: str
    model: str
    key: Key

    def unreachable(self, error: Exception) -> ModelUnavailable:
        """The error for what the transport raised, which repeats words of the other side."""
        said = clip(self._shown(str(error)), LONGEST_ECHO)
        match error:
            case httpx.ConnectError() | httpx.ConnectTimeout():
                return ModelUnavailable(f"nothing answers at {self.server}")
            case httpx.ProxyError():
                return ModelUnavailable(f"the proxy lets nobody through to {self.server}: {said}")
            case httpx.HTTPError():
                told = f"{type(error).__name__}: {said}".removesuffix(": ")
                return ModelUnavailable(f"{self.server} broke off while {self.model} spoke: {told}")
            case _:
                return ModelUnavailable(f"{self.server} does not speak OpenAI's protocol: {said}")

    def answered(self, status: int, body: object, headers: Mapping[str, str]) -> ModelError:
        """The error for what the server said before the first event."""
        text = self._shown(words(body))
        said = f"{self.server} answered {status}: {clip(text, LONGEST_ECHO)}"
        if 300 <= status < 400:
            return ModelUnavailable(
                f"{said}: redirects are not followed",
                hint="set `base_url` to where it really is",
            )
        if status in (401, 403):
            return self._key_refused(said)
        if status == 404:
            hint = f"is {self.model} its name, and {self.server} the address before /chat?"
            return ModelMissing(said, hint=hint)
        if status in _BUSY and not _SPENT.search(text):
            return ModelBusy(said, after=retry_after(headers.get("retry-after")))
        return self._of_words(status, text, said)

    def failed(self, error: object) -> ModelError:
        """The error for what the server said within the stream."""
        body = {"error": error}
        status = error.get("code") if isinstance(error, Mapping) else None
        if isinstance(status, int) and 400 <= status < 600:
            return self.answered(status, body, {})
        text = self._shown(words(body))
        return self._of_words(-1, text, f"{self.server}: {clip(text, LONGEST_ECHO)}")

    def _shown(self, text: str) -> str:
        """Words of the other side without the key, and without what commands a terminal or cannot
        be written down."""
        return visible(self.key.hidden(text))

    def _of_words(self, status: int, text: str, said: str) -> ModelError:
        if _OVERFLOW.search(text):
            told = f"the prompt does not fit the context of {self.model}"
            return PromptTooLong(f"{told}: {clip(text, LONGEST_ECHO)}")
        if _UNREADABLE.search(text):
            return BadReply(f"{self.model} wrote what its server cannot read: {said}", raw="")
        if status in _REFUSED and _TOOLS.search(text):
            return ModelUnable(said, hint=f"{self.model} cannot call tools as it runs there")
        if status in _REFUSED and _FORMAT.search(text):
            return ModelUnable(said, hint=f"{self.model} cannot obey a schema there")
        if status < 0 or status >= 500 or status in _RETRYABLE | _BUSY:
            return ModelUnavailable(said)
        return ModelError(said)

    def _key_refused(self, said: str) -> ModelUnable:
        if self.key.reference is None:
            return ModelUnable(said, hint="it wants a key: `api_key: {env: NAME}` in the profile")
        return ModelUnable(
            f"{said} (the key of {self.key.place})", hint=f"put a valid key in {self.key.place}"
        )


def words(body: object) -> str:
    """What the body of an error says, in any of the shapes there are: message, code and type."""
    match body:
        case bytes():
            return words(_json(body))
        case [first, *_]:
            return words(first)
        case {"error": Mapping() | str() as inner}:
            return words(inner)
        case Mapping():
            told = [body.get(key) for key in ("message", "detail", "code", "type")]
            return ", ".join(dict.fromkeys(str(each) for each in told if each)) or json.dumps(body)
        case _:
            return str(body).strip()


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds of a Retry-After (RFC 9110, 10.2.3), bounded; None where it says nothing."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            due = parsedate_to_datetime(value)
            seconds = (due - (now or datetime.now(due.tzinfo))).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), LONGEST_AFTER) if seconds == seconds else None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
