"""An OpenAIModel that talks to a test's server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from harness.clock import FakeClock
from harness.config.secret_ref import SecretRef
from harness.models.openai import OpenAIModel
from harness.models.openai.key import Key
from harness.models.patience import Timeouts
from harness.models.port import ChatRequest, Message, Role, ToolSpec

HI = ChatRequest([Message(Role.USER, "hi")])
RSS = ToolSpec("rss", "Read feeds.", {"type": "object", "properties": {"limit": {}}})
WITH_RSS = ChatRequest(HI.messages, tools=[RSS])
QUICK = Timeouts(first_token=5.0, idle=5.0, close=0.2)
SECRET = "c4n4ry-of-the-endpoint"
KEY = Key(SecretRef(env="HOSTED_KEY"), {"HOSTED_KEY": SECRET})


@asynccontextmanager
async def talking(url: str, key: Key | None = None, **settings: Any) -> AsyncIterator[OpenAIModel]:
    settings = {"timeouts": QUICK, "clock": FakeClock(), **settings}
    model = OpenAIModel(url, "big", key, **settings)
    try:
        yield model
    finally:
        await model.aclose()
