"""What is taken to fit after the server had to make room by itself."""

from __future__ import annotations

import pytest

from harness.clock import FakeClock
from harness.models.ollama_host import Loaded, OllamaHost
from harness.models.pool.places import fits
from harness.models.pool.room import FULL_SECONDS
from harness.models.pool.server import Server
from harness.models.pool.showing import ViewRules, host_view
from harness.models.pool.view import HostView, Spec

A, B, C = (Spec(name, 8192) for name in ("alpha:8b", "beta:8b", "gamma:8b"))
SIZES = {A: 9_400, B: 9_600, C: 9_800}


def told(*specs: Spec) -> list[Loaded]:
    return [Loaded(spec.model, SIZES[spec], SIZES[spec], spec.num_ctx) for spec in specs]


def seen(server: Server, *specs: Spec) -> HostView:
    """The host as the choice sees it when these are in its memory."""
    server.take(told(*specs))
    return host_view(server, {}, set(SIZES), ViewRules(0.0, {}))


@pytest.fixture
def server() -> Server:
    """One that held two models, and let one of them go for a third: more than two do not fit."""
    server = Server(OllamaHost("http://127.0.0.1:9", models=3, memory=100_000), FakeClock())
    seen(server, A, B)
    before = server.in_use()
    seen(server, A, C)
    server.learn(before)
    return server


@pytest.mark.parametrize(("there", "wanted"), [(A, B), (B, A), (A, C), (C, A)])
def test_two_that_were_there_together_fit_again(server: Server, there: Spec, wanted: Spec) -> None:
    assert fits(seen(server, there), wanted)


def test_a_third_does_not_fit_beside_them(server: Server) -> None:
    assert not fits(seen(server, A, B), C)


def test_that_is_forgotten_after_a_while(server: Server) -> None:
    server.room.full_until -= FULL_SECONDS

    assert fits(seen(server, A, B), C)
