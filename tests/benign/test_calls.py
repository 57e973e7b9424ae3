"""Safety must not mean uselessness: what every day is full of passes, works, and asks nobody."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from harness.models.port import ToolCall
from harness.tools import web_search
from harness.tools.catalogue import NAMES
from tests.benign.desk import Case, a_desk, cases, filled

ALL = [pytest.param(case, mode, id=f"{case}: {mode}") for case in cases() for mode in case.modes]


@pytest.mark.parametrize(("case", "mode"), ALL)
async def test_everyday_calls_pass_without_asking(
    case: Case, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_desk(tmp_path, case, mode) as desk:
        monkeypatch.setenv(web_search.KEY_VARIABLE, "right-key")
        monkeypatch.setattr(web_search, "ENDPOINT", desk.words["web"])

        for number, (tool, arguments, shows) in enumerate(case.calls):
            if is_missing(arguments):
                continue
            call = ToolCall(str(number), tool, filled(arguments, desk.words))
            result = await desk.toolbox.call(call)

            assert result.ok, f"{tool} {arguments}: {result.text}"
            found = re.search(shows, result.text)
            assert found, f"{tool} {arguments}: {result.text}"
            desk.words.update(found.groupdict())
        asked = desk.app.bus.reader.approvals(desk.app.clock.now())

    assert asked == []


def is_missing(arguments: dict[str, str]) -> bool:
    """Whether a command's program is not on every machine, and not on this one."""
    program = arguments.get("command", "").partition(" ")[0]
    return program in {"jq", "make"} and shutil.which(program) is None


def test_there_are_at_least_a_hundred_of_them_and_every_tool_is_among_them() -> None:
    calls = {f"{tool} {arguments}" for case in cases() for tool, arguments, _ in case.calls}
    tools = {tool for case in cases() for tool, *_ in case.calls}

    assert len(calls) >= 100
    assert tools == NAMES
