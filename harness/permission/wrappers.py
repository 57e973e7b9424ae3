"""Programs that run another one: what stands after their own options is a command to judge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.permission.options import Table, take_apart
from harness.permission.script import Simple, Word

_DURATION = re.compile(r"\d+(\.\d*)?[smhd]?")


@dataclass(frozen=True)
class Wrapped:
    """The command inside, or why it is not plain what that is."""

    inner: Simple | None = None
    trouble: str | None = None


WRAPPERS: Mapping[str, Table] = {
    name: Table.of("text", options)
    for name, options in (
        ("env", "-i -u= --ignore-environment --unset="),
        ("nice", "-n= -# --adjustment="),
        ("ionice", "-c= -n= -t --class= --classdata= --ignore"),
        ("nohup", ""),
        ("time", "-p -v --portability --verbose"),
        ("timeout", "-s= -k= -v --signal= --kill-after= --preserve-status --foreground --verbose"),
        ("stdbuf", "-i= -o= -e= --input= --output= --error="),
        ("xargs", """-0 -r -n= -L= -P= -I= -d= -t -x -E= -s= --null --no-run-if-empty --max-args=
            --max-procs= --max-lines=? --delimiter= --verbose --exit --max-chars="""),
    )
}  # fmt: skip


def unwrap(command: Simple) -> Wrapped:
    """What a wrapper runs. Its own options end at its first operand, as with all of these."""
    words = command.words[1:]
    count = _own(words, WRAPPERS[command.name])
    line = take_apart(words[:count], WRAPPERS[command.name])
    if line.trouble or line.operands:
        return Wrapped(trouble=line.trouble or "its options are not plain")
    rest = list(words[count:])
    if command.name == "timeout" and rest and not _DURATION.fullmatch(rest.pop(0).text):
        return Wrapped(trouble="the time is not a number of seconds")
    if command.name == "env" and rest and "=" in rest[0].text:
        return Wrapped(trouble="it changes the environment of what it runs")
    if not rest:
        return Wrapped()
    if rest[0].pattern:
        return Wrapped(trouble="the name of the program is not plain")
    return Wrapped(Simple(tuple(rest)))


def _own(words: tuple[Word, ...], table: Table) -> int:
    """How many words at the beginning are the wrapper's own options and their values."""
    at = 0
    while at < len(words) and words[at].text.startswith("-") and words[at].text != "-":
        at += 1
        if words[at - 1].text == "--":
            break
        at += _takes_next(words[at - 1].text, table)
    return min(at, len(words))


def _takes_next(text: str, table: Table) -> int:
    if text.startswith("--"):
        return int(table.options.get(text) == "=")
    valued = next((n for n, char in enumerate(text) if table.options.get(f"-{char}") == "="), 0)
    return int(valued == len(text) - 1 and valued > 0)
