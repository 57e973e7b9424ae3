"""`harness models plan`: by a server, by our list, by a person's words, and by the ledger."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from harness.clock import SystemClock
from harness.config.home import Home
from harness.models.ledger.call import Call, CallOutcome, ModelLoad
from harness.models.ledger.ledger import Ledger
from tests.cli.conftest import Harness
from tests.doubles.ollama import OllamaDouble

GIB = 1 << 30
STATED = (
    "mine:1b parameters=1B precision=F16 layers=10 heads=8 kv_heads=8 head_dim=64 embedding=512"
    " vocabulary=1000 context=8192"
)


def test_without_a_server_our_list_knows_common_models(harness: Harness, home: Home) -> None:
    home.settings_file.write_text("models: {hosts: [{url: 'http://127.0.0.1:9'}]}\n")

    told = harness("models", "plan", "--memory", "24GiB").out

    assert "qwen3:8b  known  dense 8.19B Q4_K_M  16384    2" in told
    assert "together: qwen3:8b" in told
    assert "weights   = the file, else parameters" in told
    assert "not asked: http://127.0.0.1:9, nothing answers there" in told


def test_json_has_the_parts_in_bytes(harness: Harness, home: Home) -> None:
    plan = harness("models", "plan", "--model", STATED, "--memory", "3GiB", "--json").document

    (model,) = plan["models"]
    assert model["source"] == "stated"
    assert model["kv"] == 10 * 2 * 8192 * 8 * 128 * 2
    assert model["total"] == sum(model[part] for part in ("weights", "kv", "graph", "runtime"))
    assert plan["memory"] == [
        {
            "name": "3GiB",
            "memory": 3 * GIB,
            "together": [["mine:1b"]],
            "alone": {"mine:1b": True},
            "slots": plan["memory"][0]["slots"],
            "tokens_a_second": {},
        }
    ]
    assert plan["advice"] is None


def test_a_model_that_nobody_knows_says_how_to_state_it(harness: Harness, home: Home) -> None:
    home.settings_file.write_text(
        "models:\n  hosts: [{url: 'http://127.0.0.1:9'}]\n"
        "  profiles: {chat: {provider: ollama, model: 'odd:3b'}}\n"
    )

    ended = harness("models", "plan")

    assert ended.code == 2
    assert "nobody knows the shape of odd:3b" in ended.err
    assert '--model "odd:3b parameters=8.2B' in ended.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nobody",), "there is no model profile `nobody`"),
        (("offline",), "its provider is extractive"),
        (("--memory", "much"), "--memory much: a size is written like 24GiB"),
        (("--kv", "q3"), "no KV cache is of the type `q3`"),
        (("--model", "x layers=2"), "of x it is not known: parameters"),
    ],
)
def test_what_cannot_be_planned_is_said(
    harness: Harness, home: Home, words: tuple[str, ...], told: str
) -> None:
    ended = harness("models", "plan", *words)

    assert ended.code == (4 if words == ("nobody",) else 2)
    assert told in ended.err


async def test_a_server_tells_the_shape_and_what_it_really_holds(
    harness: Harness, home: Home
) -> None:
    async with OllamaDouble(["qwen3:8b"]) as double:
        host = f"{{name: gpu, url: '{double.url}', memory: 24GiB}}"
        home.settings_file.write_text(f"models: {{hosts: [{host}]}}\n")
        async with httpx.AsyncClient(trust_env=False) as http:
            wish = {"model": "qwen3:8b", "options": {"num_ctx": 16_384}, "stream": False}
            await http.post(f"{double.url}/api/generate", json=wish)
            held = (await http.get(f"{double.url}/api/ps")).json()["models"][0]
        said = await asyncio.to_thread(harness, "models", "plan", "--json")

    (model,) = said.document["models"]
    assert model["source"] == double.url
    assert model["loaded"] == held["size_vram"]
    assert model["error"] == pytest.approx(model["total"] / held["size_vram"] - 1)
    assert said.document["memory"][0]["name"] == "gpu"


async def test_the_busiest_hour_of_the_ledger_says_whether_another_host_pays_off(
    harness: Harness, home: Home
) -> None:
    clock = SystemClock()
    ledger = Ledger(home.ledger, clock)
    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)
    for number in range(30):
        moment = at + timedelta(minutes=number)
        call = Call(ledger.ids(), ledger.run, moment, "zoe", None, "session", "P1", "chat", "o/m")
        ledger.note(
            Call(**{**vars(call), "gpu_s": 20.0, "outcome": CallOutcome.DONE, "total_s": 21.0})
        )
        ledger.note(ModelLoad(ledger.ids(), moment, "gpu", "m", 4096, 40.0))
    await ledger.aclose()

    said = await asyncio.to_thread(harness, "models", "plan", "--model", STATED, "--json")
    plan = said.document

    demand = plan["advice"]["demand"]
    assert (demand["calls"], demand["seconds"]) == (30, 20.0)
    assert (demand["loads"], demand["load_seconds"]) == (30, 40.0)
    assert plan["advice"]["pays_off"] is True
    assert plan["advice"]["slots"] == 2
