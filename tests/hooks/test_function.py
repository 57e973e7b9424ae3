"""Hooks that are Python functions: what they may say, and what they cannot break."""

import threading
from pathlib import Path
from typing import Any

import pytest

from harness.config.hooks import Hook, HookEvent
from harness.hooks import Block
from harness.hooks.function import MOST_LOST
from harness.hooks.verdict import PASSED
from tests.hooks.conftest import SOON, Freeze

EVENT = HookEvent.LEARNING
GOT: list[dict[str, Any]] = []
LET_GO = threading.Event()


def fine(facts: dict[str, Any]) -> None:
    GOT.append(facts)


def says_no(facts: dict[str, Any]) -> str:
    return f"not {facts['agent']}"


def blocks(facts: dict[str, Any]) -> None:
    raise Block("never")


def breaks(facts: dict[str, Any]) -> None:
    raise KeyError("oh")


def leaves(facts: dict[str, Any]) -> None:
    raise SystemExit(3)


def counts(facts: dict[str, Any]) -> int:
    return 7


def hangs(facts: dict[str, Any]) -> None:
    LET_GO.wait(10)


async def waits(facts: dict[str, Any]) -> None:
    pass


NOTHING = "a text, not a function"


def hook(name: str) -> Hook:
    return Hook(on=[EVENT], python=f"{__name__}:{name}")


async def test_a_function_gets_a_copy_of_the_facts(freeze: Freeze) -> None:
    GOT.clear()
    facts = {"agent": "scout", "tags": ["a"]}

    assert await freeze(hook("fine")).fire(EVENT, facts) == PASSED

    assert (GOT[0]["event"], GOT[0]["tags"]) == ("learning", ["a"])
    assert GOT[0]["tags"] is not facts["tags"]


@pytest.mark.parametrize(("name", "reason"), [("says_no", "not scout"), ("blocks", "never")])
async def test_a_text_or_a_block_blocks(freeze: Freeze, name: str, reason: str) -> None:
    verdict = await freeze(hook(name)).fire(EVENT, {"agent": "scout"})

    assert (verdict.blocked, verdict.reason) == (True, reason)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("breaks", "it raised KeyError: 'oh'"),
        ("leaves", "it raised SystemExit: 3"),
        ("counts", "it returned int; None is fine, a text blocks"),
        ("waits", "is no plain function"),
        ("NOTHING", "is no plain function"),
        ("missing", "it cannot be loaded: AttributeError"),
    ],
)
async def test_anything_else_warns(freeze: Freeze, name: str, said: str) -> None:
    verdict = await freeze(hook(name)).fire(EVENT, {})

    assert not verdict.blocked
    assert said in verdict.warnings[0]


async def test_a_module_that_is_not_there_warns(freeze: Freeze) -> None:
    hooks = freeze(Hook(on=[EVENT], python="no_such_package.module:function"))

    verdict = await hooks.fire(EVENT, {})

    assert "it cannot be loaded: ModuleNotFoundError" in verdict.warnings[0]
    assert "it cannot be loaded" in str(hooks.facts[0]["trouble"])


async def test_a_function_that_hangs_warns_and_is_not_called_for_ever(freeze: Freeze) -> None:
    hooks = freeze(Hook(on=[EVENT], python=f"{__name__}:hangs", timeout=SOON))

    warnings = [(await hooks.fire(EVENT, {})).warnings[0] for _ in range(MOST_LOST + 1)]
    LET_GO.set()

    assert all("no answer within 0.3 s" in warning for warning in warnings[:-1])
    assert f"{MOST_LOST} calls of it have not come back" in warnings[-1]


async def test_an_entry_point_is_found_by_its_name(
    tmp_path: Path, freeze: Freeze, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = tmp_path / "packages" / "guard-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: guard\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[harness.hooks]\nguard = {__name__}:says_no\n")
    monkeypatch.syspath_prepend(about.parent)

    verdict = await freeze(Hook(on=[EVENT], python="guard")).fire(EVENT, {"agent": "scout"})

    assert verdict.reason == "not scout"


async def test_an_entry_point_that_nobody_installed_warns(freeze: Freeze) -> None:
    verdict = await freeze(Hook(on=[EVENT], python="guard")).fire(EVENT, {})

    assert "no installed package has an entry point `guard`" in verdict.warnings[0]
