"""What a session was told of the memory besides its task."""

from __future__ import annotations

from typing import NamedTuple


class Recalled(NamedTuple):
    """Two blocks of the opening message; empty where nothing helped."""

    notes: str = ""  # nobody's business outside the house
    skills: str = ""

    @property
    def text(self) -> str:
        return "\n\n".join(filter(None, self))


NOTHING = Recalled()
