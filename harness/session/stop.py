"""Why a session goes no further; raised anywhere in it, caught in one place."""

from __future__ import annotations

from harness.session.steps import Reason


class Stop(Exception):
    """No ordinary turn follows. `detail` is for a person: which limit, which error."""

    def __init__(self, reason: Reason, detail: str = "", *, retry: bool = False) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.retry = retry  # another attempt at the task may fare better
