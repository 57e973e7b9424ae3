"""Why an address gave no answer; the message is written for a model that asked for it."""

from __future__ import annotations

from harness.errors import HarnessError


class NetworkError(HarnessError):
    """Nothing came of asking an address."""
