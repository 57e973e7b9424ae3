"""Skills: know-how in folders with a SKILL.md (the Agent Skills format, agentskills.io)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from harness.config.document import Document, check
from harness.config.home import Home
from harness.errors import ConfigError

NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"


class SkillMatter(BaseModel):
    """The keys between the `---` lines. Other systems add their own: they are kept."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = Field(pattern=NAME, max_length=64)
    description: Annotated[str, BeforeValidator(lambda text: " ".join(str(text).split()))] = Field(
        min_length=1, max_length=1024
    )


@dataclass(frozen=True)
class Skill:
    """One skill. Its name and description are in every prompt, its body is read when used."""

    name: str
    description: str  # what it does and when to use it, on one line
    folder: Path  # with SKILL.md, and the further files that its body names
    body: str


def skill_files(home: Home) -> Iterator[Path]:
    """Every SKILL.md of a home: the shared ones, then the agents' own."""
    yield from sorted(home.skills.glob("*/SKILL.md"))
    yield from sorted(home.agents.glob("*/skills/*/SKILL.md"))


def read_skill(path: Path) -> Skill:
    """The skill in a SKILL.md, whose name must be its folder's. Raises ConfigError."""
    document = Document.read_front(path)
    matter = check(document, SkillMatter)
    if isinstance(matter, list):
        raise ConfigError(matter)
    folder = path.parent
    if matter.name != folder.name:
        fault = f"the name `{matter.name}` differs from its folder, `{folder.name}`"
        hint = f"write `name: {folder.name}`, or rename the folder"
        width = len(matter.name)
        raise ConfigError([document.problem(("name",), fault, width=width, hint=hint)])
    return Skill(matter.name, matter.description, folder, document.body.strip())


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
