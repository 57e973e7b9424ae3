"""A name that points at nothing: the fault, where it stands, and the name probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.config.document import Document
    from harness.errors import Problem


def unknown_name(
    document: Document, place: tuple[str | int, ...], name: str, known: Iterable[str], kind: str
) -> Problem:
    """The Problem for `name` at `place`, which is no `kind` (agent, tool, ...) of `known`."""
    hint = did_you_mean(name, known) or f"known: {', '.join(sorted(known)) or 'none'}"
    return document.problem(place, f"unknown {kind} `{name}`", width=len(name), hint=hint)


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The question that a near miss deserves, or None."""
    near = get_close_matches(name, sorted(known), n=1)
    return f"did you mean `{near[0]}`?" if near else None
