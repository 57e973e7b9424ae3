"""A JSON schema filled in: with facts where names match, else with the least that is valid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DEPTH_MAX = 12  # a schema may refer to itself
STRINGS = {
    "date": "1970-01-01",
    "date-time": "1970-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "uri": "about:blank",
    "email": "nobody@localhost",
    "uuid": "00000000-0000-0000-0000-000000000000",
}  # by `format`, where no fact is at hand

Schema = Mapping[str, Any]
Facts = Mapping[str, Any]


def fill(schema: Schema, facts: Facts) -> Any:
    """A value for `schema`. `facts` map a property's name to a value, a list or further facts.

    A fact of another type than the schema wants is left out. `pattern` is not obeyed.
    """
    return _value(schema, facts, schema, 0)


def _value(schema: Schema, fact: Any, root: Schema, depth: int) -> Any:
    schema = _resolved(schema, root)
    if "const" in schema:
        return schema["const"]
    if options := schema.get("enum"):
        return fact if fact in options else options[0]
    if branches := schema.get("anyOf") or schema.get("oneOf"):
        return _value(_branch(branches, fact, root, depth), fact, root, depth + 1)
    match _kind(schema):
        case "object":
            return _object(schema, fact if isinstance(fact, Mapping) else {}, root, depth)
        case "array":
            return _array(schema, fact if isinstance(fact, list) else [], root, depth)
        case "string":
            return _string(schema, fact if isinstance(fact, str) else None)
        case "integer" | "number" as kind:
            return _number(schema, fact, whole=kind == "integer")
        case "boolean":
            return fact if isinstance(fact, bool) else bool(schema.get("default", False))
        case "null":
            return None
        case _:
            return fact if isinstance(fact, str | int | float | bool) else ""


def _object(schema: Schema, facts: Facts, root: Schema, depth: int) -> dict[str, Any]:
    required = schema.get("required", ())
    return {
        name: _value(wanted, facts.get(name), root, depth + 1)
        for name, wanted in schema.get("properties", {}).items()
        if name in required or (facts.get(name) is not None and depth < DEPTH_MAX)
    }


def _array(schema: Schema, facts: Sequence[Any], root: Schema, depth: int) -> list[Any]:
    least, most = schema.get("minItems", 0), schema.get("maxItems", len(facts))
    wanted = schema.get("items", {})
    wanted = wanted if isinstance(wanted, Mapping) else {}
    entries: list[Any] = list(facts[:most]) if depth < DEPTH_MAX else []
    entries += [None] * (least - len(entries))
    return [_value(wanted, entry, root, depth + 1) for entry in entries]


def _string(schema: Schema, fact: str | None) -> str:
    if fact is None:
        fact = schema.get("default") or STRINGS.get(str(schema.get("format")), "")
    text = str(fact)[: schema.get("maxLength")]
    return text.ljust(schema.get("minLength", 0), "-")


def _number(schema: Schema, fact: Any, *, whole: bool) -> int | float:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    is_number = isinstance(fact, int | float) and not isinstance(fact, bool)
    number = fact if is_number else schema.get("default", 0)
    step = 1 if whole else 0.5
    if low is not None and number <= low:
        number = low if "minimum" in schema else low + step
    if high is not None and number >= high:
        number = high if "maximum" in schema else high - step
    return int(number) if whole else number


def _branch(branches: Sequence[Schema], fact: Any, root: Schema, depth: int) -> Schema:
    """The branch whose type the fact has; null when there is no fact and it may be null."""
    kinds = {_kind(_resolved(branch, root)): branch for branch in branches}
    if fact is None or depth >= DEPTH_MAX:
        return kinds.get("null", branches[0])
    return kinds.get(_kind_of(fact), branches[0])


def _kind(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind is None and "properties" in schema:
        return "object"
    return str(kind or "")


def _kind_of(fact: Any) -> str:
    match fact:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case Mapping():
            return "object"
        case _:
            return "array"


def _resolved(schema: Schema, root: Schema, depth: int = 0) -> Schema:
    """Follow `$ref` within the schema, and lay the parts of `allOf` over each other."""
    while isinstance(reference := schema.get("$ref"), str) and depth < DEPTH_MAX:
        schema = _referred(reference, root)
        depth += 1
    merged: dict[str, Any] = dict(schema)
    for part in merged.pop("allOf", ()) if depth < DEPTH_MAX else ():
        laid = dict(_resolved(part, root, depth + 1))
        properties = merged.get("properties", {}) | laid.pop("properties", {})
        required = [*merged.get("required", ()), *laid.pop("required", ())]
        merged |= {**laid, "properties": properties, "required": required}
    return merged


def _referred(reference: str, root: Schema) -> Schema:
    target: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        target = target.get(step, {}) if step and isinstance(target, Mapping) else target
    return target if isinstance(target, Mapping) else {}
