"""agents/<name>/sources.yaml: what an agent reads. A list that people edit; one bad entry
never takes the others with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from harness.config.document import Document, check
from harness.config.names import did_you_mean
from harness.errors import ConfigError, Problem
from harness.files import make_folder, write_whole

EXAMPLE = 'write one line per source: - {name: Example, url: "https://example.org/feed"}'


class Source(BaseModel):
    """One entry of the list."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = Field(min_length=1, max_length=100)
    url: str = Field(max_length=4096)
    kind: str = "rss"  # kinds that nothing reads yet are kept
    weight: float = Field(default=1.0, ge=0, le=100, allow_inf_nan=False)
    tags: tuple[str, ...] = ()

    @field_validator("url")
    @classmethod
    def of_the_web(cls, url: str) -> str:
        parts = urlsplit(url)  # raises ValueError for a broken one
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("`url` should begin with http:// or https:// and name a host")
        return url


@dataclass(frozen=True)
class Sources:
    """The good entries of the file, and what is wrong with it."""

    entries: tuple[Source, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_sources(path: Path, kept: Path | None = None) -> Sources:
    """Read a list of sources; no file is an empty list. Raises nothing for its content.

    `kept` is where the last version that parsed is remembered: it stays in force while the
    file does not parse, and the problems still tell of the file.
    """
    if not path.is_file():
        return Sources()
    try:
        sources = parse_sources(Document.read(path))
    except ConfigError as error:
        last = read_sources(kept).entries if kept else ()
        return Sources(last, tuple(error.problems))
    if kept is not None and sources.entries:
        _keep(path, kept)
    return sources


def parse_sources(document: Document) -> Sources:
    """The sources that a document lists, with a Problem for each fault of an entry."""
    if document.data is None:
        return Sources()
    if not isinstance(document.data, list):
        return Sources(problems=(document.problem((), "this should be a list", hint=EXAMPLE),))
    entries: dict[str, Source] = {}
    problems: list[Problem] = []
    for index, entry in enumerate(document.data):
        if not isinstance(entry, dict):
            problems.append(document.problem((index,), "this should be a mapping", hint=EXAMPLE))
            continue
        source = check(document, Source, (index,))
        if isinstance(source, list):
            problems += source
        elif source.name.casefold() in entries:
            message = f"a source named `{source.name}` is in the list already"
            problems.append(document.problem((index, "name"), message, hint="rename this one"))
        else:
            entries[source.name.casefold()] = source
            problems += _unknown_keys(document, index, source)
    return Sources(tuple(entries.values()), tuple(problems))


def _keep(path: Path, kept: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if not kept.is_file() or kept.read_text(encoding="utf-8") != text:
        make_folder(kept.parent)
        write_whole(kept, text, durable=False)


def _unknown_keys(document: Document, index: int, source: Source) -> Iterator[Problem]:
    """The entry counts without them, and still deserves a word."""
    for key in source.model_extra or {}:
        hint = did_you_mean(key, Source.model_fields)
        yield document.problem((index, key), f"unknown key `{key}`", key=True, hint=hint)
