"""What only a shell can do, and what to do instead."""

from __future__ import annotations

from collections.abc import Mapping

FOLDER = "commands run in the workspace; give paths relative to it"
STATE = "every command starts fresh; give what it needs as arguments"
PLAIN = "name the program itself"
FLOW = "call one command after the other, or join them by && || ;"
JOBS = "commands run to their end, one call at a time"
BUILTINS: Mapping[str, str] = {
    name: hint
    for hint, names in {
        FOLDER: "cd pushd popd dirs chdir",
        STATE: """alias bind compgen complete compopt declare disown export getopts hash history let
            local mapfile read readarray readonly set shift shopt trap typeset ulimit umask unalias
            unset exec exit logout return break continue suspend times""",
        PLAIN: "eval source . builtin command enable type caller coproc help function",
        FLOW: """if then else elif fi for while until do done case esac select in
            [[ ]] { } ! ((""",
        JOBS: "bg fg jobs wait",
        "write `test` for it": "[",
        "write `true`": ":",
    }.items()
    for name in names.split()
}


def why_builtin(name: str) -> str | None:
    """What to do instead when `name` belongs to the shell; None for a program's name."""
    return BUILTINS.get(name)
