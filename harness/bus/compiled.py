"""Statements built of SQLAlchemy's Core, run as text on a plain `sqlite3` connection.

Each is compiled once, at its first use: run through SQLAlchemy, the same statements take more
than twice as long (docs/bus.md). Constants stand in the text, since SQLite uses a partial index
only when it sees the condition; what a caller gives is a `:name`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, wraps
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, literal_column
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ClauseElement


def compiled(build: Callable[..., ClauseElement]) -> Callable[..., str]:
    """Make a builder of a statement into a function that gives its text."""

    @cache
    @wraps(build)
    def text(*variant: Any) -> str:
        built = build(*variant)
        return str(built.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))

    return text


def given(name: str) -> ColumnElement[Any]:
    """A value that comes with each execution, under this name."""
    return literal_column(f":{name}")


def listed(table: Table, names: Iterable[str]) -> list[Column[Any]]:
    return [table.c[name] for name in names]


def all_given(table: Table, *but: str) -> dict[str, ColumnElement[Any]]:
    return {column.name: given(column.name) for column in table.c if column.name not in but}
