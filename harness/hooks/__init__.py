"""Hooks: what a person has asked or told at named events, and what he says to it."""

from harness.hooks.verdict import Block as Block  # for the functions that people write
