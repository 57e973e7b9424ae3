"""A home with something of everything in it."""

from __future__ import annotations

import random

import pytest

from harness.audit.line import Deed
from harness.audit.log import AuditLog
from harness.bus import transitions
from harness.bus.port import Request
from harness.bus.sync import SyncBus
from harness.clock import FakeClock, stamp
from harness.config.home import Home
from harness.ids import Ids
from harness.text.secrets import Redactor

TEXTS = {
    "harness.yaml": "session: {max_turns: 9}\n",
    "agents/scout/SOUL.md": "---\nname: scout\ndescription: Looks.\n---\nYou look.\n",
    "skills/look/SKILL.md": "---\nname: look\ndescription: How to look.\n---\nLook.\n",
    "shared-context/radar.md": "Quiet.\n",
    "memory/scout/.learnings/ERRORS.md": "None.\n",
    "archive/2026/01/größe – 文.md": "A page.\n",
}


@pytest.fixture
def full(home: Home, clock: FakeClock) -> Home:
    """Its bus holds one task that waits and one under way; its audit one line."""
    for name, text in TEXTS.items():
        path = home.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (home.root / "skills/look/run.sh").write_text("#!/bin/sh\n")
    (home.root / "skills/look/run.sh").chmod(0o755)
    home.state.mkdir(exist_ok=True)
    home.token.write_text("canary")
    with SyncBus(home, clock, Ids(clock, random.Random(7).getrandbits)) as bus:
        for text in ("One.", "Two."):
            bus.request(Request("scout", text))
        bus.run(transitions.claim, "scout", cap=1, owner="daemon-1")
    AuditLog(home.audit, Redactor()).append([Deed(stamp(clock.now()), "daemon", "x")])
    return home
