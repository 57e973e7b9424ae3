"""A self-hosted crew of agents that runs for years on one machine."""

__version__ = "0.1.0"
