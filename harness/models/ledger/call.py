"""One call of a model, as the ledger keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum


class CallOutcome(StrEnum):
    """How a call went."""

    OPEN = "open"  # under way
    DONE = "done"  # answered
    FAILED = "failed"  # the provider raised; `error` is its class
    CANCELLED = "cancelled"  # who asked wants it no more
    SENT_BACK = "sent_back"  # gave its slot to one that is urgent, and began anew as another row
    OVER_LIMIT = "over_limit"  # the account had no room: nothing was asked
    CACHED = "cached"  # answered from the cache: nothing was asked
    LOST = "lost"  # its process died meanwhile


@dataclass(frozen=True)
class Call:
    """What is known of a call. Times are seconds; None and 0.0 are different: the first was not
    measured. A column of the ledger has the name of its field."""

    id: str
    run: str  # the process that made it
    at: datetime
    agent: str
    task: str | None
    purpose: str
    priority: str
    profile: str
    model: str  # provider/model
    host: str = ""
    why: str = ""  # the pool's reason
    queue_s: float = 0.0  # in our own line
    load_s: float = 0.0  # of the model, while the call waited for it
    prompt_s: float = 0.0
    eval_s: float = 0.0
    first_s: float | None = None  # to the first text, all waits included; None: there was none
    total_s: float | None = None  # as who asked has waited
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = True  # the tokens are a guess: nobody counted them
    reused: float | None = None  # of the prompt's bytes, the share that begins the prompt before
    gpu_s: float = 0.0  # that count for `models.limits.gpu`: reading and writing, not loading
    money: float = 0.0
    outcome: CallOutcome = CallOutcome.OPEN
    error: str = ""


COLUMNS = tuple(each.name for each in fields(Call))


@dataclass(frozen=True)
class ModelLoad:
    """A model that was brought into the memory of a host: a swap, where others had to leave."""

    id: str
    at: datetime
    host: str
    model: str
    num_ctx: int
    seconds: float
    evicted: tuple[str, ...] = field(default=())  # models that had to leave


LOAD_COLUMNS = tuple(each.name for each in fields(ModelLoad))
