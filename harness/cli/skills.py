"""`harness skills`: what know-how there is, who has it, and whether it is in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli.agents import the_profile
from harness.cli.output import (
    HomeOption,
    JsonOption,
    LimitOption,
    counted,
    emit,
    facts,
    note,
    say,
    short,
    table,
    the_home,
    told,
)
from harness.config.crew import Crew, read_crew
from harness.config.home import Home
from harness.config.names import did_you_mean
from harness.config.skill_lint import remarks_on
from harness.config.skills import Skill, further_files, read_skill, skill_files
from harness.errors import ConfigError, NotFound, Problem
from harness.memory.skills.page import read_evidence
from harness.memory.skills.proposals import proposals
from harness.tools.catalogue import KNOWN

app = typer.Typer(no_args_is_help=True, help="Know-how in folders, and what is proposed as such.")

SHARED, PROPOSED = "shared", "proposed"
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of a skill.")]
AgentOption = Annotated[str | None, typer.Option("--agent", help="The one that this agent has.")]
PathArgument = Annotated[
    Path | None, typer.Argument(metavar="[PATH]", help="A skill, or a folder of skills.")
]


@dataclass(frozen=True)
class Kept:
    """A skill, where it is kept, and who has it."""

    skill: Skill
    where: str  # shared, proposed, or the agent whose own it is
    agents: tuple[str, ...]
    remarks: tuple[Problem, ...]


@app.command("list")
def list_(limit: LimitOption = 1000, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Every skill: where it is kept, who has it, and what is proposed."""
    place = the_home(home)
    crew = read_crew(place, KNOWN)
    kept, problems = kept_in(place, crew)
    if as_json:
        emit([shape(each) for each in kept[:limit]])
    else:
        rows = [
            (
                each.skill.name,
                each.where,
                ", ".join(each.agents) or None,
                len(each.remarks) or None,
                short(each.skill.description),
            )
            for each in kept[:limit]
        ]
        table(("skill", "where", "agents", "warnings", "for"), rows, "no skills: skills/ is empty")
    for problem in problems:
        note(f"error: {problem.render()}")


@app.command()
def show(
    name: NameArgument,
    agent: AgentOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """One skill: its file, what it is for, who has it, its warnings and its text."""
    place = the_home(home)
    crew = read_crew(place, KNOWN)
    each = the_skill(kept_in(place, crew)[0], crew, name, agent)
    files = further_files(each.skill.folder)
    if as_json:
        emit({**shape(each), "files": files, "body": each.skill.body})
        return
    skill = each.skill
    evidence = read_evidence(skill.folder / "EVIDENCE.md")
    facts(
        {
            "skill": skill.name,
            "for": skill.description,
            "file": skill.path,
            "where": each.where,
            "proposed as": evidence.why if evidence else None,
            "agents": ", ".join(each.agents) or "none",
            "license": skill.license,
            "needs": skill.compatibility,
            "wants": ", ".join(skill.allowed_tools) or None,
            "metadata": pairs(skill.metadata),
            "more keys": pairs(skill.extras),
            "files": ", ".join(files) or None,
        }
    )
    say(f"\n{told(skill.body)}")
    warn(each.remarks)


def pairs(found: Mapping[str, object]) -> str | None:
    """`key: value, key: value`; None where there are none."""
    return ", ".join(f"{key}: {value}" for key, value in found.items()) or None


@app.command()
def lint(path: PathArgument = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Check skills: all of the home with the proposed ones, or those of a path. Exit code 78 on
    faults; warnings alone are no fault."""
    files = list(files_in(path)) if path else list(all_files(the_home(home)))
    remarks, problems = checked(files)
    if not as_json or problems:
        warn(remarks)
    if problems:
        raise ConfigError(problems)
    if as_json:
        emit({"skills": files, "warnings": [placed(each) for each in remarks]})
        return
    say(f"{counted(len(files), 'skill')}, {counted(len(remarks), 'warning')}: all in order")


def kept_in(home: Home, crew: Crew) -> tuple[list[Kept], list[Problem]]:
    """Every skill that can be read, by name, and the faults of the others."""
    kept: list[Kept] = []
    problems: list[Problem] = []
    for path in all_files(home):
        try:
            kept.append(kept_at(home, crew, path))
        except ConfigError as error:
            problems += error.problems
    return sorted(kept, key=lambda each: (each.skill.name, each.where)), problems


def kept_at(home: Home, crew: Crew, path: Path) -> Kept:
    skill = read_skill(path)
    agents = (
        name for name, has in crew.skills.items() if any(s.folder == skill.folder for s in has)
    )
    return Kept(skill, where(home, skill), tuple(sorted(agents)), tuple(remarks_on(path)))


def where(home: Home, skill: Skill) -> str:
    folder = skill.folder.parent
    if folder == home.skills:
        return SHARED
    return folder.parent.name if folder.name == "skills" else PROPOSED


def all_files(home: Home) -> Iterator[Path]:
    yield from skill_files(home)
    yield from (each.folder / "SKILL.md" for each in proposals(home))


def files_in(path: Path) -> list[Path]:
    """The SKILL.md that a path means, or those in its folders. Raises NotFound."""
    if path.is_file():
        return [path.absolute()]
    if (path / "SKILL.md").is_file():
        return [path.absolute() / "SKILL.md"]
    found = sorted(path.absolute().glob("*/SKILL.md"))
    if not found:
        hint = "name a SKILL.md, its folder, or the folder of several"
        raise NotFound(f"there is no skill at {path}", hint=hint)
    return found


def checked(files: list[Path]) -> tuple[list[Problem], list[Problem]]:
    """What deserves a word in these files, and what is wrong with them."""
    remarks: list[Problem] = []
    problems: list[Problem] = []
    for path in files:
        try:
            read_skill(path)
            remarks += remarks_on(path)
        except ConfigError as error:
            problems += error.problems
    return remarks, problems


def the_skill(kept: list[Kept], crew: Crew, name: str, agent: str | None) -> Kept:
    """The one of that name: the agent's where one is given, else the shared one, an own one, or
    a proposed one. Raises NotFound."""
    if agent is not None:
        the_profile(crew, agent)
        kept = [each for each in kept if agent in each.agents]
    found = [each for each in kept if each.skill.name == name]
    if not found:
        names = dict.fromkeys(each.skill.name for each in kept)
        hint = did_you_mean(name, names) or f"known: {', '.join(names) or 'none'}"
        whose = f"{agent} has" if agent else "there is"
        raise NotFound(f"{whose} no skill `{name}`", hint=hint)
    order = {SHARED: 0, PROPOSED: 2}
    first, *others = sorted(found, key=lambda each: order.get(each.where, 1))
    for other in others:
        note(f"another one of this name: {other.skill.path}")
    return first


def warn(remarks: tuple[Problem, ...] | list[Problem]) -> None:
    for remark in remarks:
        note(f"warning: {remark.render()}")


def shape(each: Kept) -> dict[str, Any]:
    skill = each.skill
    return {
        "skill": skill.name,
        "description": skill.description,
        "path": str(skill.path),
        "where": each.where if each.where in (SHARED, PROPOSED) else "agent",
        "owner": None if each.where in (SHARED, PROPOSED) else each.where,
        "proposed": each.where == PROPOSED,
        "agents": list(each.agents),
        "license": skill.license,
        "compatibility": skill.compatibility,
        "metadata": dict(skill.metadata),
        "allowed_tools": list(skill.allowed_tools),
        "more": dict(skill.extras),
        "warnings": [placed(remark) for remark in each.remarks],
    }


def placed(remark: Problem) -> dict[str, Any]:
    return {
        "file": str(remark.path),
        "line": remark.line,
        "column": remark.column,
        "message": remark.message,
        "hint": remark.hint,
    }
