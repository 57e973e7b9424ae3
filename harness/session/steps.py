"""The typed steps that a session yields, and the reasons for which it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.bus.port import Outcome, Result
from harness.models.port import Reply, ToolCall
from harness.tools.tool import ToolResult


class Reason(StrEnum):
    """Why a session ended."""

    COMPLETED = "completed"  # the model answered without asking for a tool
    MAX_TURNS = "max_turns"  # the profile's limit of turns
    BUDGET = "budget"  # the profile's limit of tokens
    BREAKER = "breaker"  # it went round in circles or met only errors
    CONTRACT = "contract"  # the answer broke a check of its contract
    HOOK = "hook"  # a hook of the person's did not let it begin, or held its answer back
    CANCELLED = "cancelled"  # somebody took the task away
    TIMEOUT = "timeout"  # the time of the attempt is over
    MODEL_UNAVAILABLE = "model_unavailable"  # no model of the chain answered
    MODEL_ERROR = "model_error"  # the model's server refused the request for good
    PROMPT_TOO_LONG = "prompt_too_long"  # it does not fit, even compacted
    WAITING = "waiting"  # a person is to decide about a call; another attempt goes on from here
    BAD_REPLY = "bad_reply"  # the model's output could not be read, repair included


@dataclass(frozen=True)
class TurnStarted:
    """The model is about to be asked; what arrived since the last turn comes with it."""

    turn: int
    prompt_tokens: int  # an estimate


@dataclass(frozen=True)
class NoteArrived:
    """Somebody told the session something; it is in the prompt of the next turn."""

    sender: str
    text: str


@dataclass(frozen=True)
class Replied:
    """The model answered."""

    turn: int
    reply: Reply


@dataclass(frozen=True)
class ToolStarted:
    """A call goes out."""

    turn: int
    call: ToolCall


@dataclass(frozen=True)
class ToolFinished:
    """Exactly one for each call, also when the session was cancelled."""

    turn: int
    result: ToolResult


@dataclass(frozen=True)
class Compacted:
    """The conversation was made shorter."""

    kind: str  # "results" (old tool results cleared) or "summary"
    tokens_before: int
    tokens_after: int
    text: str = ""  # the summary; whoever keeps steps has it before the old messages go
    place: int = 0  # how many results stayed; of a summary, where the old messages ended


@dataclass(frozen=True)
class Ended:
    """The last step of every session."""

    reason: Reason
    outcome: Outcome
    result: Result
    detail: str = ""  # for a person: which limit, which error
    retry: bool = False  # the attempt failed in a way that another try may mend


Step = TurnStarted | NoteArrived | Replied | ToolStarted | ToolFinished | Compacted | Ended
Steps = Sequence[Step]
