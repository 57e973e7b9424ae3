"""What a finished session shows that is worth remembering, found without anybody saying so.

A call that failed and that the agent could have made better, an answer that broke its contract, an
output that could not be read. Left out: what passes by itself (an outage, a limit, a timeout),
what waits for a person or was refused by one, and an address of a stranger's that leads nowhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
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
from harness.text.fence import has_fence
from harness.text.slugs import slug
from harness.text.words import clip
from harness.tools.tool import ToolResult

MOST = 10  # observations of one session
SHOWN = 300  # characters of an error, or of the arguments of a call
SYMPTOM = 60  # characters of the second half of a Pattern-Key
LONGEST = 4_000  # bytes of what is looked at for it
REFUSED = "not done: "  # how the gate begins what it does not let through
_PASSES = re.compile(
    r"did not end within|timed? ?out|is not reached|unreachable|cannot be (?:reached|resolved)"
    r"|name resolution|connection|rate limit|too many requests|try again later|temporar"
    r"|answered (?:408|425|429|5\d\d)|the tool broke|no space left|is held by|stopped from outside"
    r"|cancelled before|a person said no|did not answer in time",
    re.IGNORECASE,
)
_SAID_NO = re.compile(r"(?:(\S+) )?answered \d{3}(?: [A-Z][\w' -]*)?")
_CLAUSE = re.compile(r"[;\n]|: |\. |, ")
_VARYING = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b|https?://\S+|\d+(?:[-:.,]\d+)*")


@dataclass
class Failed:
    """A call that failed, and what put it right later."""

    call: ToolCall
    result: ToolResult
    outside: tuple[str, ...]  # whose words had been read when it failed
    mend: Mend | None = None


@dataclass
class Sight:
    """A session as it is read, step by step."""

    task: str
    at: datetime
    outside: list[str] = field(default_factory=list)  # whose words it has read so far
    calls: dict[str, ToolCall] = field(default_factory=dict)  # by their ids, which come again
    failed: list[Failed] = field(default_factory=list)
    answered: bool = False  # the model has spoken its word in this turn
    others: list[Observation] = field(default_factory=list)  # that are no failed calls

    def read(self, source: str) -> None:
        if source and source not in self.outside:
            self.outside.append(source)


def observations(
    steps: Iterable[Step], task: str, at: datetime, outside: Sequence[str] = ()
) -> list[Observation]:
    """What the steps show; one observation for each key, at most MOST. `outside`: whose words the
    session began with."""
    sight = Sight(task, at, list(outside))
    for step in steps:
        see(sight, step)
    found = [*failures(sight), *sight.others]
    return list({each.key: each for each in reversed(found)}.values())[::-1][:MOST]


def sources_in(steps: Iterable[Step]) -> set[str]:
    """The strangers whom the steps name."""
    return {stranger_in(step) for step in steps} - {""}


def stranger_in(step: Step) -> str:
    """Whose words came with a step; empty for the house's own."""
    match step:
        case ToolFinished():
            return step.result.source
        case NoteArrived() if step.sender != HOUSE and has_fence(step.text):
            return step.sender
    return ""


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
    sight.read(stranger_in(step))


def called(sight: Sight, result: ToolResult) -> None:
    """A call is over: one that failed is kept, one that worked may put earlier ones right."""
    call = sight.calls.get(result.call_id)
    if call is not None and not result.waits:
        if result.ok:
            put_right(sight, call)
        else:
            sight.failed.append(Failed(call, result, tuple(sight.outside)))


def put_right(sight: Sight, call: ToolCall) -> None:
    """Give each failed call that this one puts right its mend.

    Whoever was read until then may have led it, but for a server that had only said no.
    """
    for failed in sight.failed:
        if failed.call.name != call.name or failed.mend is not None:
            continue
        failed.mend = mend(failed.call.arguments, call.arguments)
        if failed.mend is not None:
            own = {failed.result.source} - set(failed.outside) if said_no(failed) else set()
            failed.outside = tuple(each for each in sight.outside if each not in own)


def said_no(failed: Failed) -> bool:
    """Whether the answer of a server is told by its number alone, and not by where it had led."""
    found = _SAID_NO.fullmatch(failed.result.text)
    return found is not None and found[1] in (None, *failed.call.arguments.values())


def failures(sight: Sight) -> Iterator[Observation]:
    """The calls that failed and that are worth a word."""
    for failed in sight.failed:
        if failed.mend is not None:
            yield mended(sight, failed, failed.mend)
        elif not (failed.result.source or _PASSES.search(failed.result.text)):
            yield unmended(sight, failed)


def mended(sight: Sight, failed: Failed, mend: Mend) -> Observation:
    """The entry of a call that was made better. The name of an argument that worked is the tool's
    own, whatever the session had read; the wrong one may be of whoever was read."""
    name = failed.call.name
    wrong = "" if mend.is_name and failed.outside else mend.wrong
    told = f"`{name}` failed with `{wrong}` and worked with `{mend.right}`"
    return Observation(
        kind=Kind.ERROR,
        title=name,
        summary=told if wrong else f"`{name}` failed without the argument `{mend.right}`",
        source=Source.TOOL,
        task=sight.task,
        at=sight.at,
        key=f"{area(name)}.{symptom(f'{wrong} not {mend.right}' if wrong else mend.right)}",
        error="" if failed.result.source or mend.is_name else on_one_line(failed.result.text),
        fix=f"When calling `{name}`, {mend.rule if wrong else mend.short_rule}.",
        outside=() if mend.is_name else failed.outside,
    )


def unmended(sight: Sight, failed: Failed) -> Observation:
    """The entry of a call that stayed wrong."""
    name, text = failed.call.name, failed.result.text.removeprefix(REFUSED)
    return Observation(
        kind=Kind.ERROR,
        title=name,
        summary=f"`{name}` failed: {clip(first_clause(text), 160)}",
        source=Source.TOOL,
        task=sight.task,
        at=sight.at,
        key=f"{area(name)}.{symptom(first_clause(text))}",
        error=on_one_line(failed.result.text),
        details=f"arguments: {clip(str(dict(failed.call.arguments)), SHOWN)}",
        outside=failed.outside,
    )


def on_one_line(text: str) -> str:
    return clip(" ".join(text.split()), SHOWN)


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
    return refused(sight, "contract", "The answer broke its contract", finding, Source.CONTRACT)


def unreadable(sight: Sight, fault: str) -> Observation:
    """The entry of an output that the model had to write again."""
    return refused(sight, "reply", "A reply could not be used", fault, Source.REPAIR)


def refused(sight: Sight, title: str, what: str, why: str, source: Source) -> Observation:
    """The entry of something that the model wrote and that the house did not take."""
    said = on_one_line(why)
    return Observation(
        kind=Kind.ERROR,
        title=title,
        summary=f"{what}: {said}",
        source=source,
        task=sight.task,
        at=sight.at,
        key=f"{title}.{symptom(first_clause(said))}",
        error=said,
        outside=tuple(sight.outside),
    )


def area(tool: str) -> str:
    return slug(tool, limit=30) or "tool"


def symptom(text: str) -> str:
    """What went wrong in the form in which two of one sort are the same: without numbers, ids and
    addresses. What is cut, or has other letters, is told apart by a hash of all of it."""
    said = _VARYING.sub(" ", text)
    whole = slug(said, limit=len(said), size=LONGEST)
    plain = re.sub(r"[^a-z0-9_-]+", "-", whole[:SYMPTOM]).strip("-")
    if plain == whole:
        return plain or "failed"
    return f"{plain}-{hashlib.sha256(whole.encode()).hexdigest()[:6]}".lstrip("-")


def first_clause(text: str) -> str:
    return _CLAUSE.split(text.strip(), maxsplit=1)[0]
