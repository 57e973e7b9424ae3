"""`read_result` on what the jobs before handed over; cut results of tools: test_toolbox."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.bus.handed import Handed, handed_in, payload_of
from harness.models.port import ToolCall
from harness.tools.context import ToolContext
from harness.tools.read_result import read_result
from harness.tools.tool import ToolResult
from harness.tools.toolbox import Toolbox
from tests.tools.conftest import a_task
from tests.tools.using import a_gate

LONG = "".join(f"line {number}\n" for number in range(2000))
HANDED = Handed("news", "scout", "2026-01-05T07:00+00:00", "done", "01A", LONG)


def test_what_is_handed_over_comes_back_from_a_payload() -> None:
    assert handed_in(payload_of([HANDED])) == (HANDED,)
    assert handed_in({"repo": "."}) == ()


@pytest.fixture
def box(ctx: ToolContext) -> Toolbox:
    ctx = replace(ctx, task=a_task(payload=payload_of([HANDED])))
    return Toolbox([read_result], ctx, a_gate(ctx), max_chars=20_000)


async def read(box: Toolbox, name: str, offset: int) -> ToolResult:
    return await box.call(ToolCall("c1", "read_result", {"id": name, "offset": offset}))


async def test_the_whole_answer_can_be_read_part_by_part(box: Toolbox) -> None:
    text, offset = "", 0
    while offset < len(LONG):
        part = await read(box, HANDED.id, offset)
        assert part.ok
        text += part.text.rpartition("\n[")[0]
        offset = part.data["end"]

    assert text == LONG


async def test_a_job_that_handed_over_nothing_has_no_text(box: Toolbox) -> None:
    assert not (await read(box, "after-markets", 0)).ok
