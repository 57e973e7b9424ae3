"""A hook that is an address: the facts are posted to it, the answer is in the response.

403 blocks, and so does a success whose JSON says `{"decision": "block", "reason": "..."}`; any
other success is fine, all else warns.
"""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from typing import Any

import httpx

from harness.hooks.verdict import PASSED, Call, Verdict, blocked, warned

LARGEST = 64 * 1024  # bytes of an answer


@dataclass(frozen=True)
class Post:
    """An address that a person chose, so it may be private; reached without any proxy."""

    url: str
    trust: ssl.SSLContext | bool  # False for an address without encryption

    @classmethod
    def to(cls, url: str) -> Post:
        return cls(url, ssl.create_default_context() if url.startswith("https:") else False)

    async def ask(self, call: Call) -> Verdict:
        """Post it and read the answer; redirects are not followed."""
        headers = {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "X-Harness-Event": call.event.value,
        }
        try:
            async with (
                httpx.AsyncClient(trust_env=False, verify=self.trust, timeout=None) as client,
                client.stream("POST", self.url, content=call.payload, headers=headers) as response,
            ):
                return judged(response.status_code, await body_of(response))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return warned(f"it did not answer: {type(error).__name__}: {error}")


async def body_of(response: httpx.Response) -> bytes | None:
    """The body; None for one that is too large, or packed although nobody asked for that."""
    body = b""
    if "content-encoding" in response.headers:
        return None
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > LARGEST:
            return None
    return body


def judged(status: int, body: bytes | None) -> Verdict:
    said = document(body or b"")
    reason = str(said.get("reason") or "")
    if status == 403 or (200 <= status < 300 and said.get("decision") == "block"):
        return blocked(reason)
    if not 200 <= status < 300:
        return warned(f"it answered with status {status}")
    if body is None:
        return warned(f"its answer is packed, or larger than {LARGEST // 1024} KiB")
    return PASSED


def document(body: bytes) -> dict[str, Any]:
    """What a body says, if it is a JSON object."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
