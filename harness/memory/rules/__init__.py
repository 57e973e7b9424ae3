"""Rules: how lessons get into MEMORY.md, and out of it."""
