"""`sed`: its scripts can run commands and write files; some plainly do neither."""

from __future__ import annotations

import re

from harness.permission.options import Table, take_apart
from harness.permission.script import Simple
from harness.permission.study import Study

_TABLE = Table.of(
    "pattern",
    """-n -E -r -u -s -z -e= -i --quiet --silent --regexp-extended --expression= --in-place
    --null-data --separate --unbuffered""",
)
_AT = r"(?:\d+|\$|/(?:[^/\\\n\[]|\\[^\n])+/)"
_SPAN = rf"(?:{_AT}(?:,\+?{_AT})?[ \t]*!?[ \t]*)?"
_SWAP = "|".join(
    rf"s{mark}(?:[^{mark}\\\n\[]|\[[^{mark}\]\\\n]+\]|\\[^\n])*{mark}"
    rf"(?:[^{mark}\\\n]|\\[^\n])*{mark}[gpIi\d]*"
    for mark in ("/", r"\|", ",", "#", ":", "@")
)
_COMMAND = rf"[ \t]*{_SPAN}(?:[pdq=]|{_SWAP})[ \t]*"
_PLAIN = re.compile(rf"{_COMMAND}(?:;{_COMMAND})*;?")
WRITING = {"-i", "--in-place"}


def sed(command: Simple) -> Study:
    """Reads only when every script is of `p`, `d`, `q`, `=` and `s` without `e` and `w`."""
    line = take_apart(command.words[1:], _TABLE)
    if line.trouble or any(word.pattern for word in line.operands[:1]):
        return _unknown(line.trouble or "the script is not quoted", command)
    if {"-e", "--expression"} & line.given or not line.operands:
        return _unknown(
            "a script in an option is not read here; give it as the first word", command
        )
    script, *files = (word.text for word in line.operands)
    if len(script) > 1_000 or not _PLAIN.fullmatch(script):
        return _unknown("the script may run commands or write files", command)
    paths = tuple(path for path in files if path != "-")
    if WRITING & line.given:
        return Study(reads=paths, writes=paths)
    return Study(reads_only=True, reads=paths)


def _unknown(why: str, command: Simple) -> Study:
    return Study(writes=command.argv[1:], danger=f"sed: {why}", unsure=f"sed: {why}")
