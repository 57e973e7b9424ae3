"""A reference to a secret: the file of settings says where it lies, and never what it is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from harness.text.secrets import Redactor

HOW = "say where the secret lies, as {env: NAME} or {file: PATH}"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SecretRef(BaseModel):
    """Where a secret lies. It is read when it is needed and never written anywhere."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def no_literal(cls, value: Any) -> Any:
        """Refuses the secret itself, without repeating it."""
        if not isinstance(value, Mapping | cls):
            raise ValueError(f"no secret stands in this file: {HOW}")
        if isinstance(value, Mapping) and any(map(_is_secret, value.values())):
            raise ValueError(f"a secret stands here in place of its name: {HOW}")
        return value

    @model_validator(mode="after")
    def one_place(self) -> SecretRef:
        """Refuses a reference to nothing, and one to two places."""
        if (self.env is None) == (self.file is None):
            raise ValueError(f"this names no place, or two: {HOW}")
        if self.env is not None and not _VARIABLE.fullmatch(self.env):
            raise ValueError(f"`env` names no variable of the environment: {HOW}")
        return self

    def resolve(self, environment: Mapping[str, str] | None = None) -> str | None:
        """The secret; None when there is none. Raises OSError."""
        if self.env:
            return (os.environ if environment is None else environment).get(self.env)
        return self.file.expanduser().read_text("utf-8").strip() if self.file else None


def secret_values(settings: BaseModel, environment: Mapping[str, str]) -> list[str]:
    """What the references in the settings lead to, as far as it can be read now."""
    found = []
    for reference in _references(settings):
        with suppress(OSError, UnicodeDecodeError):
            found.append(reference.resolve(environment))
    return [value for value in found if value]


def _references(part: Any) -> Iterator[SecretRef]:
    match part:
        case SecretRef():
            yield part
        case BaseModel():
            for name in type(part).model_fields:
                yield from _references(getattr(part, name))
        case Mapping():
            for item in part.values():
                yield from _references(item)
        case list() | tuple():
            for item in part:
                yield from _references(item)


def _is_secret(value: Any) -> bool:
    return isinstance(value, str) and Redactor().text(value) != value
