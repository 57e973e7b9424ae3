"""What a finished session shows that is worth remembering, found without anybody saying so.

A call that failed and that the agent could have made better, an answer that broke its contract, an
output that could not be read. Left out: what passes by itself (an outage, a limit, a timeout),
what waits for a person, and an address of a stranger's that leads nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from harness.memory.learning import Kind, Observation, Source
from harness.models.port import ToolCall
from harness.session.loop import HOUSE
from harness.session.mending import Mend, mend
from harness.session.steps import (
    Ended,
    NoteArrived,
    Reason,
    Replied,
    Step,
    ToolFinished,
    ToolStarted,
    TurnStarted,
)
from harness.session.wording import beginning
from harness.text.slugs import slug
from harness.text.words import clip
from harness.tools.tool import ToolResult

MOST = 10  # observations of one session
SHOWN = 300  # characters of an error, or of the arguments of a call
SYMPTOM = 60  # characters of the second half of a Pattern-Key
_PASSES = re.compile(
    r"did not end within|timed? ?out|is not reached|unreachable|cannot be (?:reached|resolved)"
    r"|name resolution|connection|rate limit|too many requests|try again later|temporar"
    r"|answered (?:408|425|429|5\d\d)|the tool broke|no space left|is held by|stopped from outside",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[;\n]|: |\. |, ")
_VARYING = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b|https?://\S+|\d+(?:[-:.,]\d+)*")


@dataclass
class Sight:
    """A session as it is read, step by step."""

    task: str
    at: datetime
    outside: list[str] = field(default_factory=list)  # whose words it has read so far
    calls: dict[str, ToolCall] = field(default_factory=dict)
    failed: list[tuple[ToolCall, ToolResult, tuple[str, ...]]] = field(default_factory=list)
    mends: dict[str, Mend] = field(default_factory=dict)  # by the id of the call that failed
    answered: bool = False  # the model has spoken its word in this turn
    others: list[Observation] = field(default_factory=list)  # that are no failed calls


def observations(
    steps: Iterable[Step], task: str, at: datetime, outside: Sequence[str] = ()
) -> list[Observation]:
    """What the steps show; one observation for each key, at most MOST. `outside`: whose words the
    task began with."""
    sight = Sight(task, at, list(outside))
    for step in steps:
        see(sight, step)
    found = [*failures(sight), *sight.others]
    return list({each.key: each for each in reversed(found)}.values())[::-1][:MOST]


def see(sight: Sight, step: Step) -> None:
    match step:
        case TurnStarted():
            sight.answered = False
        case Replied():
            sight.answered = not step.reply.message.tool_calls
            sight.calls |= {call.id: call for call in step.reply.message.tool_calls}
        case ToolStarted():
            sight.calls[step.call.id] = step.call
        case ToolFinished():
            called(sight, step.result)
        case NoteArrived() if step.sender == HOUSE:
            told(sight, step.text)
        case Ended() if step.reason is Reason.CONTRACT:
            sight.others += [broken(sight, each) for each in step.detail.split("; ") if each]
        case Ended() if step.reason is Reason.BAD_REPLY:
            sight.others.append(unreadable(sight, step.detail))


def called(sight: Sight, result: ToolResult) -> None:
    """A call is over: one that failed is kept, one that worked may put an earlier one right."""
    if result.source and result.source not in sight.outside:
        sight.outside.append(result.source)
    call = sight.calls.get(result.call_id)
    if call is None or result.waits:
        return
    if not result.ok:
        sight.failed.append((call, result, tuple(sight.outside)))
        return
    for earlier, _, _ in sight.failed:
        if earlier.name == call.name and earlier.id not in sight.mends:
            mended = mend(earlier.arguments, call.arguments)
            if mended is not None:
                sight.mends[earlier.id] = mended


def failures(sight: Sight) -> Iterator[Observation]:
    """The calls that failed and that are worth a word."""
    for call, result, outside in sight.failed:
        mended = sight.mends.get(call.id)
        if mended is None and (result.source or _PASSES.search(result.text)):
            continue
        yield failure(sight, call, result, mended, outside)


def failure(
    sight: Sight, call: ToolCall, result: ToolResult, mended: Mend | None, outside: tuple[str, ...]
) -> Observation:
    """The entry of a failed call. One whose only words are names of the tool's own arguments is
    the house's, whatever the session had read."""
    why = clip(" ".join(result.text.split()), SHOWN)
    seen = Observation(
        kind=Kind.ERROR,
        title=call.name,
        summary=f"`{call.name}` failed: {clip(first_clause(result.text), 160)}",
        source=Source.TOOL,
        task=sight.task,
        at=sight.at,
        key=f"{area(call.name)}.{symptom(result.text)}",
        error=why,
        details=f"arguments: {clip(str(dict(call.arguments)), SHOWN)}",
        outside=outside,
    )
    if mended is None:
        return seen
    seen = replace(
        seen,
        key=f"{area(call.name)}.{symptom(f'{mended.right} not {mended.wrong}')}",
        summary=f"`{call.name}` failed with `{mended.wrong}` and worked with `{mended.right}`",
        fix=f"When calling `{call.name}`, {mended.rule}.",
    )
    return replace(seen, error="", details="", outside=()) if mended.is_name else seen


def told(sight: Sight, text: str) -> None:
    """The house has told the model something: of its output, or of its contract."""
    if text.startswith(beginning("repair")):
        fault = text.removeprefix(beginning("repair")).partition("\n")[0]
        sight.others.append(unreadable(sight, fault))
    elif sight.answered and text.startswith(beginning("contract")):
        lines = text.splitlines()
        findings = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
        sight.others += [broken(sight, finding) for finding in findings]


def broken(sight: Sight, finding: str) -> Observation:
    """The entry of an answer that broke a check."""
    said = clip(" ".join(finding.split()), SHOWN)
    return Observation(
        kind=Kind.ERROR,
        title="contract",
        summary=f"The answer broke its contract: {said}",
        source=Source.CONTRACT,
        task=sight.task,
        at=sight.at,
        key=f"contract.{symptom(said)}",
        error=said,
        outside=tuple(sight.outside),
    )


def unreadable(sight: Sight, fault: str) -> Observation:
    """The entry of an output that the model had to write again."""
    said = clip(" ".join(fault.split()), SHOWN)
    return Observation(
        kind=Kind.ERROR,
        title="reply",
        summary=f"A reply could not be used: {said}",
        source=Source.REPAIR,
        task=sight.task,
        at=sight.at,
        key=f"reply.{symptom(said)}",
        error=said,
        outside=tuple(sight.outside),
    )


def area(tool: str) -> str:
    return slug(tool, limit=30) or "tool"


def symptom(text: str) -> str:
    """An error in the form in which two of one sort are the same: its first clause, without
    numbers, ids and addresses."""
    plain = slug(_VARYING.sub(" ", first_clause(text)), limit=SYMPTOM)
    return re.sub(r"[^a-z0-9_-]+", "-", plain).strip("-") or "failed"


def first_clause(text: str) -> str:
    return _CLAUSE.split(text.strip(), maxsplit=1)[0]
