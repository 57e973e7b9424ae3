"""What a parser or a validator complains of, in plain words and with what was probably meant."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from harness.config.durations import format_duration
from harness.config.names import did_you_mean
from harness.errors import HarnessError
from harness.text.secrets import MASK, Redactor, is_secret_name

Model = TypeVar("Model", bound=BaseModel)

LONGEST_ECHO = 40  # characters of a wrong value that a message repeats


@dataclass(frozen=True)
class Complaint:
    """One thing that a model refuses."""

    location: tuple[str | int, ...]
    message: str
    hint: str | None = None
    key: bool = False  # about the key at `location`, not about its value


def validate(model: type[Model], data: object) -> Model | list[Complaint]:
    """The model made of the data, or everything that is wrong with the data."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        return [_without_secrets(_complaint(model, detail)) for detail in error.errors()]


def without_secrets(text: str) -> str:
    """A message about a file in which somebody may have put a secret where none belongs."""
    return Redactor().text(text)


def of_syntax(problem: str) -> tuple[str, str | None]:
    """What the YAML parser said, as a message and a hint for somebody who edits the file."""
    for pattern, message, hint in SYNTAX:
        if match := re.search(pattern, problem):
            return match.expand(message), hint
    return problem, None


SYNTAX: tuple[tuple[str, str, str | None], ...] = (
    (r"character '\\t'", "a tab cannot indent YAML", "indent with spaces"),
    (
        r"character ('[^']+') that cannot start",
        r"\1 cannot begin a value",
        "put the value in quotes",
    ),
    (
        r"mapping values are not allowed",
        "`:` is not allowed here",
        "indent this line like its neighbours, or put a text that contains `: ` in quotes",
    ),
    (
        r"expected <block end>, but found",
        "this line does not belong to the block above it",
        "indent it like its neighbours",
    ),
    (r"unexpected end of stream", "a quote is opened and never closed", None),
    (r"found '?<stream end>|got '<stream end>'", "a bracket is opened and never closed", None),
    (r"undefined alias '(.+)'", r"`*\1` refers to an anchor that is not there", None),
    (r"another document", "a second document starts here", "one file holds one document"),
    (r"could not determine a constructor for the tag '?([^']+)'?", r"unknown tag \1", "remove it"),
)


def _without_secrets(complaint: Complaint) -> Complaint:
    hint = without_secrets(complaint.hint) if complaint.hint else None
    return replace(complaint, message=without_secrets(complaint.message), hint=hint)


def _complaint(model: type[BaseModel], detail: ErrorDetails) -> Complaint:
    location = detail["loc"]
    named = next((part for part in reversed(location) if isinstance(part, str)), None)
    name = f"`{named}`" if named is not None else "this file"
    match detail["type"]:
        case "missing":
            return Complaint(location[:-1], f"missing key `{location[-1]}`", key=True)
        case "extra_forbidden":
            hint = did_you_mean(str(location[-1]), _keys_at(model, location[:-1]))
            return Complaint(location, f"unknown key `{location[-1]}`", hint, key=True)
        case "value_error" | "assertion_error":
            error = detail["ctx"]["error"]
            hint = error.hint if isinstance(error, HarnessError) else None
            return Complaint(location, str(error), hint)
        case "enum" | "literal_error":
            expected = str(detail["ctx"]["expected"])
            options = re.findall(r"'([^']*)'", expected)
            message = f"{name} cannot be {_echo(detail)}; it is {expected}"
            given = detail["input"]
            hint = did_you_mean(given, options) if isinstance(given, str) else None
            return Complaint(location, message, hint)
        case "model_type" | "dict_type" | "model_attributes_type":
            message = f"{name} should be a mapping, not {_echo(detail)}"
            return Complaint(location, message)
        case "string_too_short":
            return Complaint(location, f"{name} is empty")
    if location[-1:] == ("[key]",):
        key = location[-2]
        return Complaint(location[:-1], f"the key `{key}` {plainly(detail)}", key=True)
    if (should := plainly(detail)) != detail["msg"]:
        return Complaint(location, f"{name} {should}, not {_echo(detail)}")
    should = detail["msg"].replace("Input should", f"{name} should", 1)
    return Complaint(location, f"{should}, not {_echo(detail)}")


def plainly(detail: ErrorDetails) -> str:
    """What a value should be, in words of everyday; pydantic's own where there are none."""
    return PLAINLY.get(detail["type"], detail["msg"])


PLAINLY = {
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "float_parsing": "should be a number",
    "string_type": "should be a text",
    "list_type": "should be a list",
}


def _echo(detail: ErrorDetails) -> str:
    """The wrong value, cut; not what stands under the name of a secret, or looks like one."""
    match detail["input"]:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case None:
            return "empty"
        case bool() as truth:
            return str(truth).lower()
        case timedelta() as span:
            return f'"{format_duration(span)}"'
    if any(is_secret_name(str(part)) for part in detail["loc"]):
        return MASK
    text = without_secrets(str(detail["input"]))
    return f'"{text if len(text) <= LONGEST_ECHO else text[:LONGEST_ECHO] + "…"}"'


def _keys_at(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    """The keys that the models at a location know; a location may lead into several."""
    here: list[Any] = [model]
    for part in location:
        here = [found for kind in here for found in _below(kind, part)] or here
    models = [kind for kind in here if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return [field.alias or name for kind in models for name, field in kind.model_fields.items()]


def _below(kind: Any, part: str | int) -> Iterator[Any]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            if part in (name, field.alias):
                yield from _unwrap(field.annotation)
        return
    container, inner = get_origin(kind), get_args(kind)
    if inner and (container is dict or isinstance(part, int)):
        yield from _unwrap(inner[-1] if container is dict else inner[0])


def _unwrap(annotation: Any) -> Iterator[Any]:
    """The kinds that an annotation allows, without Optional, Union and Annotated."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        for inner in get_args(annotation):
            yield from _unwrap(inner)
    elif origin is Annotated:
        yield from _unwrap(get_args(annotation)[0])
    else:
        yield annotation
