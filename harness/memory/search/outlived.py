"""Entries that say of themselves that they hold no more, and by which other one they are denied."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from harness.memory.search.units import Hit, Unit

SOME = "a newer entry"  # where an entry is superseded and does not say by which
_SAID = re.compile(r"superseded(?: by ([^\s:]+))?: \[")  # as such an entry is told
_ID = re.compile(r"(?:superseded(?: by [^\s:]+)?: )?\[([^\]\s]+)\]")


def outlived(unit: Unit) -> str | None:
    """The id of what denies an entry, as it says itself; None when it holds."""
    said = _SAID.match(unit.text) if unit.kind == "learning" else None
    return (said[1] or SOME) if said else None


def named(hits: Sequence[Hit]) -> dict[str, Hit]:
    """The entries that deny these hits, by the id of the hit, as far as they are among them."""
    by_id = {(hit.unit.agent, id_of_entry(hit.unit)): hit for hit in hits}
    found = {hit.id: by_id.get((hit.unit.agent, outlived(hit.unit) or "")) for hit in hits}
    return {id: newer for id, newer in found.items() if newer and newer.id != id}


def told_so(hit: Hit) -> Hit:
    """The hit with what its entry says of itself, unless the place of a newer one is known."""
    said = outlived(hit.unit)
    return replace(hit, superseded_by=said) if said and not hit.superseded_by else hit


def id_of_entry(unit: Unit) -> str | None:
    found = _ID.match(unit.text) if unit.kind == "learning" else None
    return found[1] if found else None
