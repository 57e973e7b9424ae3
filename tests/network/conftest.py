"""The fixtures of the tools serve here too: a web of feeds, and a client that may reach it."""

from tests.tools.conftest import clock, home, server, web

__all__ = ["clock", "home", "server", "web"]
