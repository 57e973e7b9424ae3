"""Names that tools had, or have elsewhere, and the ones they have here.

A rename keeps the old name working: in profiles, in rules, and in what a model asks for.
"""

from __future__ import annotations

RENAMED = {
    "shell": "run",
    "bash": "run",
    "Bash": "run",
    "Read": "read",
    "Write": "write",
    "Edit": "edit",
    "Glob": "glob",
    "Grep": "grep",
    "WebFetch": "web_fetch",
    "WebSearch": "web_search",
    "Skill": "skill",
    "Task": "request",
    "Agent": "request",
    "fetch": "web_fetch",
    "search": "web_search",
}


def present_name(name: str) -> str:
    """The name that a tool has here; a name that nobody renamed stays as it is."""
    return RENAMED.get(name, name)
