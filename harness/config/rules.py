"""A rule about what agents may do: `run(git status:*)`, `web_fetch(domain:arxiv.org)`, `learn`.

The name is a tool's, or `read` and `write`, which speak of files whatever tool touches them.
What stands in the brackets depends on what the call is about: a command, a host, a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from harness.config.document import Document, Location
from harness.config.names import unknown_name
from harness.config.tool_names import present_name
from harness.errors import Problem

DOMAIN = "domain:"
ABOUT_HOSTS = {"web_fetch", "verify_url"}
ABOUT_FILES = {"read", "write", "edit", "glob", "grep"}
_BEYOND_WORDS = re.compile(r"[*?\[\]\"'\\]")  # of a shell; rules compare plain words
_RULE = re.compile(r"(?P<tool>[A-Za-z][A-Za-z0-9_]*)(?:\((?P<pattern>.*)\))?", re.DOTALL)
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


class Rule(BaseModel):
    """One rule, taken apart. No pattern: every call of the tool."""

    model_config = ConfigDict(frozen=True)

    tool: str
    pattern: str | None = None

    def __str__(self) -> str:
        return self.tool if self.pattern is None else f"{self.tool}({self.pattern})"

    @property
    def domain(self) -> str | None:
        """The host that the rule is about."""
        pattern = self.pattern or ""
        return pattern.removeprefix(DOMAIN) if pattern.startswith(DOMAIN) else None


def parse_rule(text: str) -> Rule:
    """The rule in a text. Raises ValueError with what is wrong with it."""
    found = _RULE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"`{text}` is no rule: write `tool` or `tool(pattern)`")
    pattern = found["pattern"] and found["pattern"].strip()
    if pattern == "":
        raise ValueError(f"`{text}` has nothing in its brackets: leave them out to mean every call")
    if pattern is not None and pattern.startswith(DOMAIN):
        pattern = pattern.lower().rstrip(".")
        if not _HOST.fullmatch(pattern.removeprefix(DOMAIN)):
            raise ValueError(
                f"`{text}` names no host: write it as in `web_fetch(domain:arxiv.org)`"
            )
    return Rule(tool=present_name(found["tool"]), pattern=pattern)


def rule_of(value: Any) -> Any:
    return parse_rule(value) if isinstance(value, str) else value


OneRule = Annotated[Rule, BeforeValidator(rule_of)]


def nothing_wrong(rule: Rule) -> str | None:
    """Any rule may stand in an allow list."""
    return None


def vain(rule: Rule, kind: str) -> str | None:
    """Why a rule speaks of nothing, though whoever wrote it relies on it; None for all others."""
    if rule.pattern is None:
        return None
    if rule.tool in ABOUT_HOSTS and rule.domain is None:
        return f"it needs a host, as in `{rule.tool}(domain:arxiv.org)`"
    if rule.tool in ABOUT_FILES and leads_out(rule.pattern):
        return "it needs a path within the home, as in `notes/**`"
    words = rule.pattern.removesuffix(":*")
    if rule.tool == "run" and kind != "allow" and _BEYOND_WORDS.search(words):
        return "it is compared word by word with commands; write `run(rm:*)` for `rm` with any more"
    return None


def leads_out(pattern: str) -> bool:
    return pattern.startswith(("/", "~")) or ".." in pattern.split("/")


@dataclass(frozen=True)
class KnownTools:
    """What reading a home must know of the tools there are."""

    names: frozenset[str]
    unfit: Callable[[Rule], str | None] = nothing_wrong  # why a rule must not allow anything


class Rules(BaseModel):
    """What is allowed without asking, what is asked about, and what is never done."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allow: list[OneRule] = []
    ask: list[OneRule] = []
    deny: list[OneRule] = []


def faults_of(
    document: Document, where: Location, rules: Rules, known: KnownTools
) -> Iterator[Problem]:
    """A Problem for each rule at `where` that names no tool, speaks of nothing, or allows what
    none may allow."""
    for kind in ("allow", "ask", "deny"):
        for place, rule in enumerate(getattr(rules, kind)):
            here = (*where, kind, place)
            if rule.tool not in known.names:
                yield unknown_name(document, here, rule.tool, known.names, "tool")
            elif why := vain(rule, kind):
                yield document.problem(here, f"`{rule}` speaks of nothing: {why}")
            elif kind == "allow" and (why := known.unfit(rule)):
                yield document.problem(here, f"`{rule}` cannot be allowed: {why}")
