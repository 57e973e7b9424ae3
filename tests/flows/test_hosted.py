"""A whole task by a hosted model: its key in the environment, its answer in the archive."""

from __future__ import annotations

from harness.app import App
from harness.bus.port import Request, Result
from tests.flows.house import House
from tests.models.openai.server import DONE, Said, Server, delta, refuses, says

KEY = "c4n4ry-of-the-endpoint"
CALLED = Said(
    [
        delta(tool_calls=[{"index": 0, "id": "x1", "function": {"name": "memory"}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": '{"query": "light'}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": 'houses"}'}}]),
        delta("tool_calls"),
        DONE,
    ]
)


def hosted(house: House, url: str) -> None:
    """An agent whose model is at that address."""
    house.settings["models"]["profiles"]["far"] = {
        "provider": "openai",
        "base_url": url,
        "model": "big",
        "api_key": {"env": "FAR_KEY"},
        "fallback": ["offline"],
    }
    house.agent("scout", "memory", model="far")
    house.write()


async def answer(house: House, app: App) -> Result:
    task = await app.bus.request(Request("scout", "Count the lighthouses."))
    result = (await house.final(app, task)).result
    assert result is not None
    return result


async def test_a_hosted_model_does_a_whole_task_and_its_key_stands_in_no_file(
    house: House,
) -> None:
    async with Server(CALLED, says("Forty lighthouses.")) as server:
        hosted(house, server.url)
        async with house.daemon({"FAR_KEY": KEY}) as app:
            result = await answer(house, app)

    assert (result.text, result.model, result.degraded) == (
        "Forty lighthouses.",
        "openai/big",
        False,
    )
    sent = server.asked[-1].body["messages"]
    assert [each.get("tool_call_id") for each in sent][-1] == "x1"
    assert server.asked[-1].headers["authorization"] == f"Bearer {KEY}"
    files = [path for path in house.home.root.rglob("*") if path.is_file()]
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []


async def test_where_the_key_is_refused_the_fallback_answers_and_says_so(house: House) -> None:
    async with Server(refuses(401, f"no such key: {KEY}")) as server:
        hosted(house, server.url)
        async with house.daemon({"FAR_KEY": KEY}) as app:
            result = await answer(house, app)

    assert (result.model, result.degraded) == ("extractive/digest", True)
