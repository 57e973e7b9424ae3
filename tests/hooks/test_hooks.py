"""All hooks together: which are asked, in which order, and what comes of it."""

import time

from harness.config.home import Home
from harness.config.hooks import Hook, HookEvent
from harness.hooks.hooks import Hooks
from harness.hooks.verdict import PASSED, Verdict
from tests.hooks.conftest import Freeze, Program, read

CALL = HookEvent.BEFORE_TOOL


async def test_nobody_listens_where_there_are_no_hooks() -> None:
    hooks = Hooks.none()

    assert not any(hooks.listens(event) for event in HookEvent)
    assert await hooks.fire(CALL, {}) == PASSED


async def test_an_event_that_nobody_hooked_costs_microseconds(freeze: Freeze) -> None:
    hooks = freeze(Hook(on=[HookEvent.FINAL], command=["true"]))
    facts = {"tool": "learn"}

    began = time.perf_counter()
    for _ in range(1000):
        await hooks.fire(CALL, facts)

    assert time.perf_counter() - began < 0.1  # seconds for a thousand; measured: 0.0004


async def test_hooks_are_asked_in_order_up_to_the_first_block(
    home: Home, freeze: Freeze, program: Program
) -> None:
    one, two, three = (
        Hook(on=[CALL], command=[program(f"echo {name} >> asked; {end}", f"{name}.sh")])
        for name, end in (("one", "exit 1"), ("two", "echo no >&2; exit 2"), ("three", "exit 0"))
    )

    verdict = await freeze(one, two, three).fire(CALL, {})

    assert read(home.root / "asked").split() == ["one", "two"]
    assert verdict == Verdict(True, "no", ("hook hooks/one.sh: it ended with 1:",))


async def test_only_hooks_for_this_tool_and_agent_are_asked(
    home: Home, freeze: Freeze, program: Program
) -> None:
    hooks = freeze(Hook(on=[CALL], tool="web_*", agent="scout", command=[program("exit 2")]))

    assert not (await hooks.fire(CALL, {"tool": "learn", "agent": "scout"})).blocked
    assert not (await hooks.fire(CALL, {"tool": "web_fetch", "agent": "other"})).blocked
    assert (await hooks.fire(CALL, {"tool": "web_fetch", "agent": "scout"})).blocked


async def test_what_is_over_cannot_be_blocked(freeze: Freeze, program: Program) -> None:
    hooks = freeze(Hook(on=[HookEvent.SESSION_END], command=[program("echo no >&2; exit 2")]))

    verdict = await hooks.fire(HookEvent.SESSION_END, {})

    assert not verdict.blocked
    assert verdict.warnings == ("hook hooks/check.sh: it cannot block session_end: no",)


async def test_no_secret_reaches_a_hook(home: Home, freeze: Freeze, program: Program) -> None:
    hooks = freeze(Hook(on=[CALL], command=[program("cat > got")]))

    await hooks.fire(CALL, {"arguments": {"password": "x1", "text": "it is hunter2-hunter2"}})

    got = read(home.root / "got")
    assert "hunter2" not in got
    assert "x1" not in got


async def test_facts_of_any_kind_become_json(home: Home, freeze: Freeze, program: Program) -> None:
    hooks = freeze(Hook(on=[CALL], command=[program("cat > got")]))

    await hooks.fire(CALL, {"path": home.root, "text": "\ud800", "raw": b"x"})

    assert str(home.root) in read(home.root / "got")


def test_other_hooks_in_the_file_differ_from_those_in_force(freeze: Freeze) -> None:
    first, second = (Hook(on=[CALL], command=["true", word]) for word in "ab")
    hooks = freeze(first, second)

    assert not hooks.differ([first, second])
    assert hooks.differ([first])
    assert hooks.differ([second, first])
