"""What the runtime itself says to a model: the texts of harness/session/prompts."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


def wording(name: str, **values: object) -> str:
    """The text `prompts/<name>.md` with its `{fields}` filled in."""
    return _read(name).format(**values)


def beginning(name: str) -> str:
    """What every text of that name begins with: all before its first field."""
    return _read(name).partition("{")[0]


@cache
def _read(name: str) -> str:
    folder = files("harness.session") / "prompts"
    return (folder / f"{name}.md").read_text("utf-8").strip()
