"""`harness agents`: who is in the crew, and whether their files are in order."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli.output import (
    HomeOption,
    JsonOption,
    LimitOption,
    emit,
    facts,
    note,
    say,
    short,
    table,
    the_home,
)
from harness.config.crew import Crew, read_crew
from harness.config.home import Home
from harness.config.names import did_you_mean
from harness.config.profile import NAME, Profile
from harness.errors import ConfigError, Held, NotFound, UsageError
from harness.tools.catalogue import KNOWN

app = typer.Typer(no_args_is_help=True, help="The specialists of this home.")

AgentArgument = Annotated[str, typer.Argument(metavar="AGENT", help="Name of an agent.")]


@app.command("list")
def list_agents(
    limit: LimitOption = 1000, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Every agent with its model and what it is for."""
    crew = read_crew(the_home(home), KNOWN)
    profiles = list(crew.profiles.values())[:limit]
    if as_json:
        emit([agent_shape(crew, profile) for profile in profiles])
        return
    rows = [
        (p.name, model_of(crew, p), len(jobs_of(crew, p.name)), short(p.front.description))
        for p in profiles
    ]
    table(("agent", "model", "jobs", "for"), rows, "no agents: make one with harness agents new")
    for problem in crew.problems:
        note(f"error: {problem.render()}")


@app.command()
def show(agent: AgentArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """One agent: its file, model, tools, limits, jobs and prompt."""
    crew = read_crew(the_home(home), KNOWN)
    profile = the_profile(crew, agent)
    if as_json:
        emit({**agent_shape(crew, profile), "prompt": profile.prompt})
        return
    front = profile.front
    facts(
        {
            "agent": front.name,
            "for": front.description,
            "file": profile.path,
            "model": model_of(crew, profile),
            "tools": ", ".join(front.tools) or "none",
            "skills": ", ".join(front.skills) or None,
            "permission": front.permission,
            "turns": front.max_turns or crew.settings.session.max_turns,
            "budget": f"{front.budget or crew.settings.session.budget} tokens a session",
            "reports to": front.reports_to,
            "routes": ", ".join(front.routes) or None,
            "jobs": ", ".join(jobs_of(crew, agent)) or "none",
        }
    )
    say(f"\n{profile.prompt}")


@app.command()
def new(agent: AgentArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Make a profile to fill in, `agents/<name>/SOUL.md`."""
    path = make_profile(the_home(home), agent)
    if as_json:
        emit({"agent": agent, "path": path})
        return
    say(f"{path} made; write what {agent} is for, then check it with: harness agents lint")


@app.command()
def lint(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Check every file of the home: profiles, settings, schedule. Exit code 78 on faults."""
    crew = read_crew(the_home(home), KNOWN)
    for warning in crew.warnings:
        note(f"warning: {warning}")
    if crew.problems:
        raise ConfigError(crew.problems)
    if as_json:
        emit({"agents": list(crew.profiles), "warnings": crew.warnings})
        return
    say(f"{len(crew.profiles)} agents, {len(crew.crontab.jobs)} jobs: all in order")


def make_profile(home: Home, agent: str) -> Path:
    """Write a first profile for `agent`. Raises UsageError for a bad name, Held if it exists."""

    if not re.match(NAME, agent):
        raise UsageError(
            f"`{agent}` is no name for an agent", hint="small letters, digits and hyphens"
        )
    path = home.agent(agent) / "SOUL.md"
    if path.exists():
        raise Held(f"{path} exists already", hint="edit it, or choose another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    template = Path(__file__).with_name("new_agent.md").read_text(encoding="utf-8")
    path.write_text(template.replace("AGENT", agent), encoding="utf-8")
    return path


def the_profile(crew: Crew, agent: str) -> Profile:
    """The profile of that name. Raises NotFound, with the name that was probably meant."""
    if agent not in crew.profiles:
        hint = did_you_mean(agent, crew.profiles) or f"known: {', '.join(crew.profiles)}"
        raise NotFound(f"there is no agent `{agent}`", hint=hint)
    return crew.profiles[agent]


def model_of(crew: Crew, profile: Profile) -> str:
    return profile.front.model or crew.settings.models.default


def jobs_of(crew: Crew, agent: str) -> list[str]:
    return [job.id for job in crew.crontab.jobs.values() if job.agent == agent]


def agent_shape(crew: Crew, profile: Profile) -> dict[str, Any]:
    front = profile.front
    return {
        "agent": front.name,
        "description": front.description,
        "path": str(profile.path),
        "model": model_of(crew, profile),
        "tools": front.tools,
        "skills": front.skills,
        "permission": front.permission,
        "max_turns": front.max_turns or crew.settings.session.max_turns,
        "budget": front.budget or crew.settings.session.budget,
        "reports_to": front.reports_to,
        "routes": front.routes,
        "jobs": jobs_of(crew, front.name),
    }
