"""Dated notes: how they fade, and what becomes of them."""
