"""What one call of a tool would do, as far as a rule can know it before it is done."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from harness.permission.shell import Script


class Trait(StrEnum):
    """What makes a tool worth a thought; together they make an attack."""

    READS_PRIVATE = "reads-private"  # gives the model what is nobody else's business
    READS_UNTRUSTED = "reads-untrusted"  # gives the model words of strangers
    SENDS_OUT = "sends-out"  # carries something that the model says out of the house
    CHANGES_STATE = "changes-state"  # leaves something behind that outlives the session


@dataclass(frozen=True)
class Action:
    """A call whose arguments are known to be sound, in the terms that rules speak of.

    Paths are relative to the workspace and normal: the very ones that will be opened.
    """

    tool: str
    traits: AbstractSet[Trait] = frozenset()
    reads: tuple[str, ...] = ()  # files and folders
    writes: tuple[str, ...] = ()  # files
    urls: tuple[str, ...] = ()  # addresses that will be asked
    sends: str = ""  # other text that leaves the house
    script: Script | None = None  # commands
    about: str = ""  # what else a pattern may name: the agent that is asked, a skill
    routine: bool = True  # ordinary work of the house: nobody needs to be asked
    inherits: bool = False  # what it leaves behind carries the session's mark

    @property
    def changes(self) -> bool:
        return Trait.CHANGES_STATE in self.traits

    @property
    def sends_out(self) -> bool:
        return Trait.SENDS_OUT in self.traits
