"""The command line called as a user calls it, in this process, on a home of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import run
from harness.config.home import Home


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Harness = Callable[..., Said]


@pytest.fixture
def harness(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Harness:
    """`harness("queue", "list")` in the home of this test."""
    folder = home.agent("scout")
    folder.mkdir()
    front = "---\nname: scout\ndescription: Looks around.\n---\nYou look.\n"
    (folder / "SOUL.md").write_text(front)
    home.cron_file.write_text(
        "timezone: Europe/Berlin\n"
        "jobs:\n"
        "  morning: {agent: scout, cron: '30 7 * * 1-5', prompt: Look., deliver: [archive]}\n"
        "  rare: {agent: scout, every: 2d, prompt: Look., enabled: false}\n"
    )
    monkeypatch.setenv("HARNESS_HOME", str(home.root))
    monkeypatch.delenv("OLLAMA_HOST", raising=False)

    def call(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, arguments)])
        code = 0
        try:
            run()
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call
