"""What is known of one command before it runs."""

from __future__ import annotations

from dataclasses import dataclass

from harness.permission.script import Simple


@dataclass(frozen=True)
class Study:
    """What a command would do. What is not known counts as the worse of the two."""

    reads_only: bool = False  # a known program, with only options known to be harmless
    reads: tuple[str, ...] = ()  # paths as given, relative to the folder in which it runs
    writes: tuple[str, ...] = ()  # what may be a path that it writes; of unknown programs any word
    deep: bool = False  # it reads whatever lies below the folders among `reads`
    inner: tuple[Simple, ...] = ()  # commands that it runs in its turn
    danger: str | None = None  # why no rule that ends in `:*` may cover it
    unsure: str | None = None  # why it is not known to read only, where there is more to say
