"""No channel is handed a secret, and what it answers holds none either."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from harness.bus.port import Task
from harness.clock import FakeClock
from harness.config.home import Home
from harness.delivery.channels import build_channels
from harness.delivery.redacted import Redacted, without_secrets
from harness.text.secrets import MASK, Redactor
from tests.doubles.finals import DIGEST, final

KNOWN = "c4nary-of-the-house"
SECRETS = f"{KNOWN}, password=c4nary, ghp_{'c4nary' * 6}"
FULL = final(SECRETS, title=SECRETS, sender="a token=c4nary", prompt=SECRETS, error=SECRETS)


class Telling:
    """A channel that repeats what it is handed."""

    name = "telling"

    async def deliver(self, task: Task) -> str:
        return f"{task.title} {task.prompt} {task.error} {task.result} {KNOWN}"


@pytest.mark.parametrize("channel", ["archive", "log"])
async def test_no_channel_writes_a_secret(channel: str, tmp_path: Path) -> None:
    channels = build_channels(Home(tmp_path), ZoneInfo("UTC"), FakeClock(), Redactor([KNOWN]))

    receipt = await channels[channel].deliver(FULL)

    written = (tmp_path / receipt).read_text()
    assert "c4nary" not in written + receipt
    assert MASK in written


async def test_a_receipt_tells_of_no_secret() -> None:
    receipt = await Redacted(Telling(), Redactor([KNOWN])).deliver(FULL)

    assert "c4nary" not in receipt


def test_a_final_without_secrets_is_handed_over_as_it_is() -> None:
    assert without_secrets(DIGEST, Redactor([KNOWN])) == DIGEST


async def test_a_second_hand_over_still_finds_the_first_page(tmp_path: Path) -> None:
    channels = build_channels(Home(tmp_path), ZoneInfo("UTC"), FakeClock(), Redactor([KNOWN]))

    first = await channels["archive"].deliver(FULL)

    assert await channels["archive"].deliver(FULL) == first
