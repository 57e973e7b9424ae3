"""Models of earlier settings are closed as soon as nobody asks them, and not before."""

from __future__ import annotations

from harness.services.retired import Retired


class Noted:
    closed = False

    async def aclose(self) -> None:
        self.closed = True


async def test_models_are_closed_once_the_tasks_that_began_with_them_are_over() -> None:
    retired, asked, unasked = Retired(), Noted(), Noted()
    retired.keep(asked, {"one", "two"})
    retired.keep(unasked, ())

    await retired.let_go({"two", "three"})

    assert (asked.closed, unasked.closed, len(retired)) == (False, True, 1)
    await retired.let_go({"three"})
    assert (asked.closed, len(retired)) == (True, 0)
