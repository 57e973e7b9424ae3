"""Skills: know-how in folders with a SKILL.md (the Agent Skills format, agentskills.io)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from harness.config.document import Document, check
from harness.config.home import Home
from harness.config.skill_matter import listed_tools, mapping_in, read_matter
from harness.errors import ConfigError, HarnessError, Problem
from harness.rooted import Root

NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"


class SkillMatter(BaseModel):
    """The keys between the `---` lines. Other systems add their own: they are kept."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    name: str = Field(pattern=NAME, max_length=64)
    description: Annotated[str, BeforeValidator(lambda text: " ".join(str(text).split()))] = Field(
        min_length=1, max_length=1024
    )
    license: str | None = None
    compatibility: str | None = Field(default=None, max_length=500)
    metadata: Annotated[dict[str, Any], BeforeValidator(mapping_in)] = {}
    allowed_tools: Annotated[tuple[str, ...], BeforeValidator(listed_tools)] = Field(
        default=(), alias="allowed-tools"
    )


@dataclass(frozen=True)
class Skill:
    """One skill. Its name and description are in every prompt, its body is read when used.

    Nothing in it is carried out by being read: whatever other systems run or fill in when they
    load a skill is text here.
    """

    name: str
    description: str  # what it does and when to use it, on one line
    folder: Path  # with SKILL.md, and the further files that its body names
    body: str
    license: str | None = None
    compatibility: str | None = None  # what it needs, in words for a person
    metadata: Mapping[str, Any] = field(default_factory=dict)  # texts; others nest them
    allowed_tools: tuple[str, ...] = ()  # what it wants; granted is what the profile grants
    extras: Mapping[str, Any] = field(default_factory=dict)  # keys of other systems

    @property
    def path(self) -> Path:
        return self.folder / "SKILL.md"


def skill_files(home: Home) -> Iterator[Path]:
    """Every SKILL.md of a home: the shared ones, then the agents' own.

    A folder with a dot before its name holds none: in `skills/.proposed` a person has yet to
    decide (docs/skills.md).
    """
    yield from sorted(home.skills.glob("[!.]*/SKILL.md"))
    yield from sorted(home.agents.glob("[!.]*/skills/[!.]*/SKILL.md"))


def read_skill(path: Path) -> Skill:
    """The skill in a SKILL.md, whose name must be its folder's. Raises ConfigError."""
    document = read_matter(path)
    matter = check(document, SkillMatter)
    if isinstance(matter, list):
        raise ConfigError(matter)
    if matter.name != path.parent.name:
        raise ConfigError([misnamed(document, matter.name, path.parent.name)])
    return Skill(
        matter.name,
        matter.description,
        path.parent,
        document.body.strip(),
        license=matter.license,
        compatibility=matter.compatibility,
        metadata=matter.metadata,
        allowed_tools=matter.allowed_tools,
        extras=matter.model_extra or {},
    )


def further_files(folder: Path) -> list[str]:
    """What a skill has besides its SKILL.md; nothing when its folder is gone meanwhile."""
    try:
        return sorted(path for path in Root(folder).walk() if path != "SKILL.md")
    except HarnessError:
        return []


def misnamed(document: Document, name: str, folder: str) -> Problem:
    fault = f"the name `{name}` differs from its folder, `{folder}`"
    hint = f"write `name: {folder}`, or rename the folder"
    return document.problem(("name",), fault, width=len(name), hint=hint)


def skills_of(home: Home, agent: str, wanted: Iterable[str], known: Iterable[Skill]) -> list[Skill]:
    """What of the `known` skills `agent` has: its own, and the shared ones that it wants.

    One of its own hides a shared one of the same name. In the order of their names.
    """
    by_folder = {skill.folder: skill for skill in known}
    own_folder = home.agent(agent) / "skills"
    own = {skill.name: skill for folder, skill in by_folder.items() if folder.parent == own_folder}
    shared = {
        name: by_folder[home.skills / name] for name in wanted if home.skills / name in by_folder
    }
    return sorted({**shared, **own}.values(), key=lambda skill: skill.name)
