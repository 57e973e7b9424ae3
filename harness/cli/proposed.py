"""`harness memory proposals`, `approve` and `reject`: a person's word on what the team learns."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from harness.cli.history import keep_team_history
from harness.cli.longterm import gist
from harness.cli.output import HomeOption, JsonOption, LimitOption, emit, note, say, table, the_home
from harness.cli.output import clean as told
from harness.cli.posting import audit, login_name
from harness.cli.remembering import now_in
from harness.clock import SystemClock, stamp
from harness.config.home import Home
from harness.ids import Ids
from harness.memory.rules.journal import Change
from harness.memory.team.proposals import REJECTED, TAKEN, Proposal, Proposals
from harness.memory.team.team import Team
from harness.text.secrets import Redactor

ProposalArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A proposal, or the unique beginning of its id.")
]


def proposals(
    limit: LimitOption = 100, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """What several agents learned, and rules that do not help: all that waits for your word."""
    known = proposals_of(the_home(home))
    waiting = known.waiting()[:limit]
    for path in known.broken():
        note(f"{path} is no proposal: its first lines should say kind, text, agents and entries")
    if as_json:
        emit([proposal_shape(each) for each in waiting])
        return
    rows = [
        (each.id, str(each.wish.kind), ", ".join(each.wish.agents), told(each.wish.text))
        for each in waiting
    ]
    table(("id", "for", "agents", "rule"), rows, "no proposal waits")


def approve(
    proposal: ProposalArgument, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Let a proposal hold: a line in the team's protocol or in the shared page."""
    place = the_home(home)
    known = proposals_of(place)
    found = known.get(proposal)
    team = Team(place, known, Ids(SystemClock()))
    change = team.approve(found, f"person:{login_name()}", now_in(place))
    number = change.id if change else None
    if change:
        taken = found.path.parent / TAKEN / found.path.name
        message = f"Approved by a person: {found.wish.text}"
        keep_team_history(team, change, message, found.path, taken)
    audit(place, "memory.approved", found.id, kind=str(found.wish.kind), change=number)
    if as_json:
        emit(proposal_shape(found) | {"change": number})
    elif change is None:
        say(f"taken: {told(found.wish.text)}")
        say(f"the check is yours to write: `contract` in {profile_of(place, found)}")
    else:
        say(f"approved: {told(found.wish.text)}")
        say(f"{change.path}, change {change.id}; take it back: harness memory undo {change.id}")


def reject(
    proposal: ProposalArgument, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Put a proposal away; the same is not proposed again."""
    place = the_home(home)
    known = proposals_of(place)
    found = known.get(proposal)
    known.move(found, REJECTED, f"Rejected by person:{login_name()}, {now_in(place):%Y-%m-%d}.")
    audit(place, "memory.rejected", found.id, kind=str(found.wish.kind))
    if as_json:
        emit(proposal_shape(found))
        return
    say(f"rejected: {told(found.wish.text)}")


def taken_back(home: Home, change: str) -> Change | None:
    """Take back what an approval wrote; None when no approval made that change. Raises NotFound
    and HarnessError as `Team.undo`."""
    team = Team(home, proposals_of(home), Ids(SystemClock()))
    if change not in {each.id for each in team.journal.changes()}:
        return None
    back = team.undo(change, f"person:{login_name()}", now_in(home))
    keep_team_history(team, back, f"Undone by a person: {gist(back)}")
    return back


def proposals_of(home: Home) -> Proposals:
    return Proposals(home, Redactor.knowing(os.environ))


def profile_of(home: Home, proposal: Proposal) -> str:
    """Where a contract stands: in the profile of the agent that it is for."""
    agents = [home.agent(name) / "SOUL.md" for name in proposal.wish.agents]
    return ", ".join(path.relative_to(home.root).as_posix() for path in agents)


def proposal_shape(proposal: Proposal) -> dict[str, Any]:
    wish = proposal.wish
    return {
        "id": proposal.id,
        "kind": str(wish.kind),
        "text": wish.text,
        "agents": list(wish.agents),
        "entries": list(wish.entries),
        "evidence": wish.evidence,
        "made_at": stamp(proposal.made_at),
    }
