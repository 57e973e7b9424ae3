"""An agent's profile: the front matter and the system prompt of a markdown file."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from harness.config.document import Document, check
from harness.config.home import Home
from harness.config.names import did_you_mean, unknown_name
from harness.config.phrases import Phrase
from harness.config.rules import KnownTools, OneRule, Rules, faults_of, parse_rule
from harness.errors import ConfigError, Problem

NAME = r"^[a-z0-9][a-z0-9-]{0,63}$"
HOUSE = "harness"  # as whom the house itself asks models, and speaks in alerts
NOT_AGENTS = {"AGENTS", "USER"}  # markdown files beside the profiles
CLAUDE_KEYS = {"maxTurns": "max_turns", "permissionMode": "permission"}
CLAUDE_MODES = {
    "acceptEdits": "accept_edits",
    "dontAsk": "dont_ask",
    "auto": "default",
    "bypassPermissions": "default",  # a foreign file grants nothing by itself
}


def comma_list(value: object) -> object:
    """Claude Code writes `tools: a, b(c, d)`; commas inside brackets do not separate."""
    if not isinstance(value, str):
        return value
    parts, depth, start = [], 0, 0
    for place, character in enumerate(value):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append(value[start:place])
            start = place + 1
    parts.append(value[start:])
    return [part.strip() for part in parts if part.strip()]


def not_the_house(name: str) -> str:
    """What an agent of that name used up would count as the house's own."""
    if name == HOUSE:
        raise ValueError(f"`{HOUSE}` is the house itself; give the agent another name")
    return name


def granted(entry: str) -> str:
    """A tool's name, or a rule that narrows what is granted of it: `Bash(git status:*)`."""
    parse_rule(entry)
    return entry


Names = Annotated[list[str], BeforeValidator(comma_list)]
Phrases = Annotated[list[Phrase], BeforeValidator(comma_list)]
Tools = Annotated[list[Annotated[str, AfterValidator(granted)]], BeforeValidator(comma_list)]


class FrontMatter(BaseModel):
    """The keys between the `---` lines. Unknown ones are kept, and warned about."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Annotated[str, Field(pattern=NAME), AfterValidator(not_the_house)]
    description: str = Field(min_length=1, max_length=1024)
    model: str | None = None  # a model profile of harness.yaml; absent: its default
    tools: Tools = []
    skills: Names = []
    permission: Literal["plan", "default", "accept_edits", "dont_ask", "bypass"] = "default"
    allow: list[OneRule] = []  # rules of its own, besides those of harness.yaml
    ask: list[OneRule] = []
    deny: list[OneRule] = []
    max_turns: int | None = Field(default=None, ge=1, le=500)
    budget: int | None = Field(default=None, ge=1000)  # tokens of one session
    contract: Any = None  # read by the runtime's checks; kept as it is written
    reports_to: str | None = None
    routes: Phrases = []  # a request that names nobody and has one of these is this agent's

    @property
    def tool_names(self) -> list[str]:
        """The tools that the profile grants, by the names that they have now."""
        return list(dict.fromkeys(parse_rule(entry).tool for entry in self.tools))

    @property
    def rules(self) -> Rules:
        """What the profile says about calls; a tool that is granted with brackets is allowed so."""
        narrowed = (rule for rule in map(parse_rule, self.tools) if rule.pattern is not None)
        return Rules(allow=[*self.allow, *narrowed], ask=self.ask, deny=self.deny)


@dataclass(frozen=True)
class Profile:
    """One agent as its file describes it."""

    path: Path
    front: FrontMatter
    prompt: str
    warnings: list[str]
    document: Document = field(repr=False, compare=False)  # to say where a later fault stands

    @property
    def name(self) -> str:
        return self.front.name


def profile_files(home: Home) -> Iterator[tuple[str, Path]]:
    """Each agent's name and file: `agents/<name>/SOUL.md`, or a single `agents/<name>.md`."""
    for path in sorted(home.agents.glob("*/SOUL.md")):
        yield path.parent.name, path
    for path in sorted(home.agents.glob("*.md")):
        if path.stem not in NOT_AGENTS and not home.agent(path.stem).is_dir():
            yield path.stem, path


def read_profile(path: Path, expected: str, known: KnownTools | None = None) -> Profile:
    """The profile in `path`, whose name must be `expected`; its rules are checked against the
    `known` tools, where these are given. Raises ConfigError."""
    document = Document.read_front(path)
    document = replace(document, data=translate_claude(document.data))
    front = check(document, FrontMatter)
    if isinstance(front, list):
        raise ConfigError(front)
    if front.name != expected:
        fault = f"the name `{front.name}` differs from its place, `{expected}`"
        hint = f"write `name: {expected}`, or move the file"
        width = len(front.name)
        raise ConfigError([document.problem(("name",), fault, width=width, hint=hint)])
    if known is not None and (faults := list(faults_of_rules(document, front, known))):
        raise ConfigError([*faults, *unknown_tools(document, front, known.names)])
    warnings = [*not_yet(front), *odd_keys(front)]
    return Profile(path, front, document.body.strip(), warnings, document)


def faults_of_rules(document: Document, front: FrontMatter, known: KnownTools) -> Iterator[Problem]:
    """What is wrong with the rules of a profile, those among its tools included."""
    own = Rules(allow=front.allow, ask=front.ask, deny=front.deny)
    yield from faults_of(document, (), own, known)
    for place, rule in enumerate(map(parse_rule, front.tools)):
        if rule.pattern is not None and (why := known.unfit(rule)):
            yield document.problem(("tools", place), f"`{rule}` cannot be allowed: {why}")


def translate_claude(data: Any) -> Any:
    """The same front matter with the keys of Claude Code's agent files under our names."""
    if not isinstance(data, dict):
        return data
    ours = {CLAUDE_KEYS.get(key, key): value for key, value in data.items()}
    if isinstance(mode := ours.get("permission"), str):
        ours["permission"] = CLAUDE_MODES.get(mode, mode)
    if ours.get("model") == "inherit":
        del ours["model"]
    return ours


def not_yet(front: FrontMatter) -> list[str]:
    """A sentence for each key that demands something, and is not heard yet."""
    waiting = {"contract": front.contract is not None}
    return [f"`{key}` is not used by this version yet" for key, set_ in waiting.items() if set_]


def unknown_tools(
    document: Document, front: FrontMatter, known: AbstractSet[str]
) -> Iterator[Problem]:
    """A Problem for each tool that is granted and not there."""
    for place, rule in enumerate(map(parse_rule, front.tools)):
        if rule.tool not in known:
            yield unknown_name(document, ("tools", place), rule.tool, known, "tool")


def odd_keys(front: FrontMatter) -> list[str]:
    """A sentence for each key that nothing here reads."""
    known = sorted(FrontMatter.model_fields)
    odd = []
    for key in front.model_extra or {}:
        ask = did_you_mean(key, known)
        odd.append(f"unknown key `{key}` is kept and not used{f'; {ask}' if ask else ''}")
    return odd


def dangling(
    profile: Profile, *, models: set[str], tools: set[str], agents: set[str], skills: set[str]
) -> list[Problem]:
    """A Problem for each name of a profile that is not among what there is."""
    front = profile.front
    places: list[tuple[tuple[str | int, ...], str, set[str], str]] = []
    if front.model is not None:
        places.append((("model",), front.model, models, "model profile"))
    if front.reports_to is not None:
        places.append((("reports_to",), front.reports_to, agents, "agent"))
    places += [(("skills", i), name, skills, "skill") for i, name in enumerate(front.skills)]
    named = [
        unknown_name(profile.document, place, name, known, kind)
        for place, name, known, kind in places
        if name not in known
    ]
    faults = [*named, *unknown_tools(profile.document, front, tools)]
    return sorted(faults, key=lambda fault: (fault.line, fault.column))
