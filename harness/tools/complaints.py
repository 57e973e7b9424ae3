"""What is wrong with the arguments of a call, in words with which a model can mend them."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from harness.config.names import did_you_mean
from harness.text.words import clip
from harness.tools.tool import Tool

MOST = 20  # faults that are told
LONGEST_ECHO = 60  # characters of a wrong value that an error repeats


def complaints(tool: Tool, error: ValidationError) -> Iterator[str]:
    """Field by field, and then what the tool takes."""
    fields = tool.arguments.model_fields
    for detail in error.errors(include_url=False)[:MOST]:
        place = ".".join(map(str, detail["loc"])) or "arguments"
        match detail["type"]:
            case "missing":
                yield f"{place}: missing"
            case "extra_forbidden":
                ask = did_you_mean(place, fields) or "leave it out"
                yield f"{clip(place, LONGEST_ECHO)}: unknown; {ask}"
            case _:
                given = repr(detail["input"])
                echo = given if len(given) <= LONGEST_ECHO else f"{given[:LONGEST_ECHO]}…"
                yield f"{place}: {detail['msg']}, not {echo}"
    takes = (f"{name}{'' if field.is_required() else '?'}" for name, field in fields.items())
    yield f"{tool.name}({', '.join(takes)})"
