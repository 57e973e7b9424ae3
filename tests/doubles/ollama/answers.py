"""What the double's models say: scripted answers, and the faults that can befall them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """What goes wrong with one call, after `Answer.fault_after` pieces went out."""

    DROP = "drop"  # the TCP connection is reset
    END = "end"  # the stream ends cleanly, without its done line
    ERROR_LINE = "error_line"  # a line {"error": ...} ends the stream
    HANG = "hang"  # nothing more comes, the connection stays
    GARBAGE = "garbage"  # a line that is no JSON
    NOT_AN_OBJECT = "not_an_object"  # a line that is JSON and no object
    BROKEN_CALL = "broken_call"  # the server cannot parse the model's tool call


@dataclass(frozen=True)
class Answer:
    """One reply of a model. Times are seconds of the double's clock."""

    text: str = ""
    calls: Sequence[Mapping[str, Any]] = ()  # see `call`
    thinking: str = ""
    done_reason: str = "stop"
    piece: int = 8  # characters in each streamed line
    first_after: float = 0.0  # prompt evaluation
    piece_after: float = 0.0  # each line
    status: int = 200  # anything else: an error before the first byte
    error: str = ""  # the text of that error, or of the error line
    fault: Fault | None = None
    fault_after: int = 0  # pieces of text sent before the fault

    @property
    def pieces(self) -> list[str]:
        return [self.text[at : at + self.piece] for at in range(0, len(self.text), self.piece)]

    def but(self, **changes: Any) -> Answer:
        return replace(self, **changes)


@dataclass(frozen=True)
class Load:
    """What becomes of one load of a model."""

    seconds: float | None = None  # None: as long as the weights take
    crash: str = ""  # why the runner dies at the end of it


class Trouble(StrEnum):
    """What befalls a request of any kind before it is looked at."""

    RESET = "reset"  # the connection breaks before the headers
    HANG = "hang"  # nothing comes, the connection stays
    REFUSED = "400"
    NOT_FOUND = "404"
    TOO_MANY = "429"
    CANCELED = "499"
    FAILS = "500"
    GATEWAY = "502"
    BUSY = "503"
    GARBAGE = "garbage"  # 200, and a body that is no JSON
    NOT_AN_OBJECT = "not_an_object"  # 200, and a body that is JSON and no object
    ODD_ERROR = "odd_error"  # 500, and an error that is no text


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """One tool call as the server sends it; it adds the id and the index."""
    return {"name": name, "arguments": arguments}


BUSY = Answer(status=503, error="server busy, please try again.  maximum pending requests exceeded")
