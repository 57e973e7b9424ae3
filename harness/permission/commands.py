"""What a command would do, and whether a rule speaks of it. Pure: nothing is looked up or run.

`study` knows some programs that only look, some that run others, and many that can do anything.
Of all others it says nothing: they are neither known to be harmless nor to be dangerous.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from harness.errors import HarnessError
from harness.permission import readers
from harness.permission.dangers import beyond_limits, why_dangerous
from harness.permission.find import find
from harness.permission.git import git
from harness.permission.readers import loose_paths
from harness.permission.script import Redirect, Simple
from harness.permission.sed import sed
from harness.permission.shell import Unsafe, parse
from harness.permission.study import Study
from harness.permission.wrappers import WRAPPERS, unwrap

__all__ = ["Study", "check_pattern", "covers", "resolve_program", "study"]

SAFE_PATH = ("/usr/local/bin", "/usr/bin", "/bin")
DEEPEST = 3  # wrappers round wrappers
PREFIX = ":*"


@lru_cache(maxsize=1000)
def study(command: Simple) -> Study:
    """What is known of a command by its words alone."""
    return _with_redirects(_study(command, DEEPEST), command.redirects)


def _study(command: Simple, depth: int) -> Study:
    name = command.name
    if name == "find":
        return _with_inner_danger(find(command), depth)
    if name == "git":
        return git(command)
    if name == "sed":
        return sed(command)
    if name in WRAPPERS:
        return _wrapped(command, depth)
    if readers.is_reader(name):
        return readers.read(command)
    loose = loose_paths(command.words[1:])
    danger = why_dangerous(name) or beyond_limits(command)
    return Study(reads=loose, writes=loose, danger=danger, unsure=danger)


def _wrapped(command: Simple, depth: int) -> Study:
    """A wrapper does what its command does; `xargs` gives it words that nobody has seen."""
    found = unwrap(command)
    if found.trouble or not depth:
        trouble = f"{command.name}: {found.trouble or 'too many programs that run another one'}"
        loose = loose_paths(command.words[1:])
        return Study(reads=loose, writes=loose, danger=trouble, unsure=trouble)
    if found.inner is None:
        return Study(reads_only=command.name in {"env", "xargs"})
    inside = _study(found.inner, depth - 1)
    danger = inside.danger or f"{command.name}: it runs another command"
    if command.name == "xargs":
        unseen = f"xargs: {found.inner.name} gets words that are not known before it runs"
        return Study(False, inside.reads, inside.writes, True, (found.inner,), danger, unseen)
    return replace(inside, inner=(found.inner,), danger=danger)


def _with_inner_danger(known: Study, depth: int) -> Study:
    """The commands that `find` runs may touch what it finds, and more."""
    for command in known.inner:
        inside = _study(command, depth - 1) if depth else Study(danger="find: too deep to follow")
        known = replace(
            known,
            reads=known.reads + inside.reads,
            writes=known.writes + inside.writes,
            danger=inside.danger or known.danger,
        )
    return known


def _with_redirects(known: Study, redirects: tuple[Redirect, ...]) -> Study:
    led = [redirect for redirect in redirects if not redirect.harmless]
    if not led:
        return known
    reads = tuple(each.target for each in led if each.mode == "<")
    writes = tuple(each.target for each in led if each.mode != "<")
    return replace(
        known,
        reads=known.reads + reads,
        writes=known.writes + writes,
        reads_only=known.reads_only and not writes,
        unsure=known.unsure or (f"it writes {writes[0]}" if writes else None),
    )


def covers(pattern: str, command: Simple) -> bool:
    """Whether a rule's pattern speaks of a command: `git status:*` by its first words, else whole.

    A prefix covers nothing that runs other commands or may do anything, and no pattern covers
    a command whose output goes to a file.
    """
    try:
        wanted = _wanted(pattern.removesuffix(PREFIX))
    except Unsafe:
        return False
    if any(each.mode != "<" and not each.harmless for each in command.redirects):
        return False
    if not pattern.endswith(PREFIX):
        return _same(wanted, command) and len(wanted.words) == len(command.words)
    known = study(command)
    return _same(wanted, command) and known.danger is None and not known.inner


@lru_cache(maxsize=1000)
def _wanted(text: str) -> Simple:
    """The one command that a pattern is written as. Raises Unsafe."""
    commands = parse(text).commands
    if len(commands) != 1 or commands[0].redirects:
        raise Unsafe("a pattern is one command without redirects")
    return commands[0]


def _same(wanted: Simple, command: Simple) -> bool:
    """Whether the command begins with the wanted words; a pattern of names is only itself."""
    ours = command.words[: len(wanted.words)]
    return [(word.text, word.pattern) for word in wanted.words] == [
        (word.text, word.pattern) for word in ours
    ]


def check_pattern(pattern: str) -> str | None:
    """Why a pattern must not stand in an allow list, in words for whoever wrote it; else None."""
    text = pattern.removesuffix(PREFIX)
    if not text.strip() or text.strip() == "*":
        return "it would allow every command; name one"
    try:
        wanted = _wanted(text)
    except HarnessError as error:
        return f"it does not parse: {error}"
    if any(word.pattern for word in wanted.words):
        return f"only `{PREFIX}` at the end stands for more words"
    if not pattern.endswith(PREFIX):
        return None
    if wanted.name in WRAPPERS:
        return f"`{wanted.name}` runs other commands; write the whole command without `{PREFIX}`"
    if danger := _danger_of_prefix(wanted):
        return f"{danger}; write the whole command without `{PREFIX}`"
    return None


def _danger_of_prefix(wanted: Simple) -> str | None:
    """A program alone may be prefix to harmless calls, though it does nothing by itself."""
    if wanted.name in {"sed", "find", "git"} and len(wanted.words) == 1:
        return None
    return study(wanted).danger


def resolve_program(name: str) -> Path | None:
    """Where a program lies in the places that belong to the system; None when it is not there."""
    if "/" in name or not name:
        return None
    for folder in SAFE_PATH:
        path = Path(folder, name)
        if path.is_file() and path.stat().st_mode & 0o111:
            return path
    return None
