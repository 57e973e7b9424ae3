"""The environment of the processes that we start: by name, so that no secret comes along unnoticed.

What is not on the list stays behind: keys and tokens under any name, and the variables that load
foreign code into a program (`LD_PRELOAD`, `PYTHONSTARTUP`, `BASH_ENV`, `GIT_SSH_COMMAND`).
"""

from __future__ import annotations

from collections.abc import Mapping

LOCALE = ("ALL", "COLLATE", "CTYPE", "MEASUREMENT", "MESSAGES", "MONETARY", "NUMERIC", "TIME")
ALLOWED = frozenset(
    (
        *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LANG", "LANGUAGE"),
        *(f"LC_{part}" for part in LOCALE),  # not every LC_*: ssh carries other things as such
    )
)


def child_environment(parent: Mapping[str, str], *also: str) -> dict[str, str]:
    """What a child may see of its parent's environment: the list, and what it needs `also`."""
    return {name: parent[name] for name in sorted(ALLOWED.union(also)) if name in parent}
