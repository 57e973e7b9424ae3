"""Hooks of the real daemon: what an edit does not change, a person's word does."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from tests.chaos.test_daemon import PATIENCE, harness, up
from tests.flows.house import House

pytestmark = pytest.mark.chaos


def guard(house: House, text: str) -> None:
    path = house.home.root / "guard.sh"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    house.settings["hooks"] = [{"on": "before_tool", "command": ["./guard.sh"]}]
    house.write()


async def test_hooks_change_by_a_reload_of_a_person_alone(house: House, tmp_path: Path) -> None:
    root = house.home.root
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        async with up(root, NOTIFY_SOCKET=str(tmp_path / "notify")) as daemon:
            guard(house, "exit 0")
            await daemon.hear("have changed and wait for: harness hooks reload")
            _, waiting = await harness(root, "hooks", "list")
            code, taken_up = await harness(root, "hooks", "reload")
            guard(house, "exit 2")
            _, changed = await harness(root, "hooks", "list")
            house.settings["hooks"] = [{"on": "final", "python": "no_such_module:function"}]
            house.write()
            failed, broken = await harness(root, "hooks", "reload")
            _, audit = await harness(root, "audit", "tail")
            said = [await asyncio.to_thread(manager.recv, 4096) for _ in range(3)]

    assert [each["state"] for each in waiting] == ["waiting for reload"]
    assert (code, [each["state"] for each in taken_up]) == (0, ["in force"])
    assert [each["state"] for each in changed] == ["program changed"]
    assert (failed, [each["state"] for each in broken]) == (1, ["cannot be asked"])
    assert {"hooks.taken_up", "hooks.reloaded"} <= {line["action"] for line in audit}
    assert said[0].startswith(b"READY=1\nSTATUS=")
    assert said[1].startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    assert said[2] == b"READY=1"
