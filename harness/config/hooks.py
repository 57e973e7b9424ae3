"""The `hooks` of harness.yaml: what a person wants to be asked or told at named events."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from harness.config.cronfile import one_or_more
from harness.config.document import Document, Location
from harness.config.durations import Duration
from harness.config.names import unknown_name
from harness.config.tool_names import present_name
from harness.errors import Problem

LONGEST = timedelta(seconds=60)  # a session waits as long as a hook takes
KINDS = ("command", "url", "python")
LONGEST_LABEL = 80  # characters


class HookEvent(StrEnum):
    """When hooks are asked."""

    SESSION_START = "session_start"  # a session is about to take up a task
    SESSION_END = "session_end"  # it is over, however it ended
    BEFORE_TOOL = "before_tool"  # a call is about to be judged and made
    AFTER_TOOL = "after_tool"  # its result is there
    BEFORE_COMPACTION = "before_compaction"  # a conversation is too long and is shortened
    FINAL = "final"  # an answer is about to count as final
    LEARNING = "learning"  # a lesson is about to be noted
    PROMOTION = "promotion"  # a lesson is about to become memory
    WORKER_START = "worker_start"  # a coding session is about to begin
    WORKER_END = "worker_end"  # it is over

    @property
    def can_block(self) -> bool:
        """Whether a hook can prevent it."""
        return self not in CANNOT_BE_BLOCKED


# a conversation that is too long has to be shortened; the others are over
CANNOT_BE_BLOCKED = frozenset(
    (
        *(HookEvent.SESSION_END, HookEvent.AFTER_TOOL, HookEvent.WORKER_END),
        HookEvent.BEFORE_COMPACTION,
    )
)
NOT_YET = frozenset((HookEvent.WORKER_START, HookEvent.WORKER_END))
TOOL_EVENTS = frozenset((HookEvent.BEFORE_TOOL, HookEvent.AFTER_TOOL))


def word(text: str) -> str:
    """A word that a program can be given. Raises ValueError."""
    if "\0" in text:
        raise ValueError("a word of a command holds a null character: no program can be given it")
    return text


def address(text: str) -> str:
    """An address that a hook can be posted to. Raises ValueError."""
    if not text.isascii() or any(c.isspace() or not c.isprintable() for c in text):
        raise ValueError("`url` should hold neither blanks nor characters beyond ASCII")
    parts = urlsplit(text)  # raises ValueError for a broken one, as does its port
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
        raise ValueError("`url` should begin with http:// or https:// and name a host")
    if "@" in parts.netloc:
        raise ValueError("`url` should hold no user and no password: everybody reads this file")
    return text


def function(text: str) -> str:
    """`package.module:function`, or the name of an entry point. Raises ValueError."""
    module, colon, attribute = text.partition(":")
    dotted = [*module.split("."), *attribute.split(".")] if colon else []
    sound = all(part.isidentifier() for part in dotted) if colon else _ENTRY_POINT.fullmatch(text)
    if not sound:
        raise ValueError(
            f"{text!r} is no function: write `package.module:function`, or the name of an entry"
            " point in the group harness.hooks"
        )
    return text


def limit(span: timedelta) -> timedelta:
    if not timedelta(0) < span <= LONGEST:
        raise ValueError("`timeout` should be between 1s and 60s: a session waits that long")
    return span


_ENTRY_POINT = re.compile(r"[\w.-]+", re.ASCII)
Word = Annotated[str, AfterValidator(word)]
Glob = Annotated[str, Field(min_length=1)]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Events = Annotated[list[HookEvent], BeforeValidator(one_or_more), Field(min_length=1)]


class Hook(BaseModel):
    """One entry: at which events, for whom, and what is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: Events
    tool: Annotated[Glob, AfterValidator(present_name)] | None = None  # tools by name, `web_*`
    agent: Glob | None = None  # agents by name; absent: all of them
    command: Annotated[list[Word], Field(min_length=1)] | None = None  # words, without a shell
    url: Annotated[str, AfterValidator(address)] | None = None
    python: Annotated[str, AfterValidator(function)] | None = None
    timeout: Annotated[Duration, AfterValidator(limit)] = timedelta(seconds=10)
    env: list[Variable] = []  # what the command may see besides the usual variables

    @model_validator(mode="after")
    def asks_one_thing(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            has = " and ".join(f"`{kind}`" for kind in given) or "none of them"
            raise ValueError(f"a hook has one of `command`, `url` and `python`; this has {has}")
        return self

    @property
    def id(self) -> str:
        """The same for the same entry, another for any other."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @property
    def label(self) -> str:
        """What to call it: its command, its address without the query, or its function."""
        words = shlex.join(self.command or [])
        label = words or self.python or (self.url or "").partition("?")[0]
        return label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"

    def is_about(self, facts: Mapping[str, object]) -> bool:
        """Whether the event with these facts is one that the hook waits for."""
        return matches(self.tool, facts.get("tool")) and matches(self.agent, facts.get("agent"))


def matches(pattern: str | None, name: object) -> bool:
    return pattern is None or fnmatchcase(str(name or ""), pattern)


def program_of(command: Sequence[str], root: Path, search: str | None) -> Path:
    """The file that a command's first word means: with a slash it is relative to the home at
    `root`, without one it is looked for along `search` (as PATH). It may not exist."""
    name = command[0]
    if "/" in name:
        return Path(os.path.normpath(root / name))
    found = shutil.which(name, path=search)
    return Path(found).absolute() if found else Path(name)


def hook_faults(
    document: Document,
    hooks: Sequence[Hook],
    environment: Mapping[str, str],
    tools: Collection[str] | None = None,
) -> list[Problem]:
    """What the entries of a sound document ask for in vain; `tools` are those that exist, where
    they are known."""
    root = document.path.parent.absolute()
    found: list[Problem] = []
    for index, hook in enumerate(hooks):
        here = ("hooks", index)
        found += tool_faults(document, here, hook, tools)
        found += command_faults(document, here, hook, root, environment.get("PATH"))
    return found


def tool_faults(
    document: Document, here: Location, hook: Hook, tools: Collection[str] | None
) -> Iterator[Problem]:
    place = (*here, "tool")
    if hook.tool is None:
        return
    if not TOOL_EVENTS.issuperset(hook.on):
        message = "`tool` goes with before_tool and after_tool; this hook waits for others too"
        yield document.problem(place, message, key=True, hint="make it two hooks")
    if tools is not None and not any(matches(hook.tool, name) for name in tools):
        yield unknown_name(document, place, hook.tool, tools, "tool")


def command_faults(
    document: Document, here: Location, hook: Hook, root: Path, search: str | None
) -> Iterator[Problem]:
    if hook.command is None:
        if hook.env:
            message = "`env` is for a `command`: nothing else has an environment of its own"
            yield document.problem((*here, "env"), message, key=True)
        return
    program, place = program_of(hook.command, root, search), (*here, "command", 0)
    if not program.is_file():
        hint = "relative to the home" if "/" in hook.command[0] else "looked for along PATH"
        yield document.problem(place, f"there is no program `{hook.command[0]}`", hint=hint)
    elif not os.access(program, os.X_OK):
        message = f"`{hook.command[0]}` may not be executed"
        yield document.problem(place, message, hint=f"chmod u+x {program}")
