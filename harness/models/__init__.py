"""Talking to language models: one port, several providers behind it."""
