"""An answer made of quotes: the sentences that fit the task best, each with where it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.models.extractive.digest import DEGRADED, quoted
from harness.models.extractive.situation import Result, Situation
from harness.models.extractive.wishes import about
from harness.text.fence import unfenced
from harness.text.markup import escape_markdown
from harness.text.sentences import fitting, sentences
from harness.text.words import clip, terms

PER_PLACE = 4
LONG_TASK = 1500  # characters: from there on the task itself is material to quote from
SENTENCE_CHARS = 500
QUESTION_CHARS = 400  # of a long task: what is asked stands at its beginning


_ABOUT_ITSELF = re.compile(r"\Aversion: \S+\n|^\[cut: [^\n]*\]$", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """Text that may be quoted, and how its place is called."""

    name: str
    text: str
    asked_for: bool = False  # the task names it: quoted also where no word fits


def write(situation: Situation) -> str:
    """Quotes by place, then notes; where nothing fits, that and where it was looked for."""
    wanted = about(situation.task[:QUESTION_CHARS])
    parts = []
    for place in places(situation):
        if found := choose(place, wanted):
            lines = "\n>\n".join(f"> {escape_markdown(clip(one, SENTENCE_CHARS))}" for one in found)
            parts.append(f"From {escape_markdown(place.name)}:\n\n{lines}")
    parts += [quoted(note) for note in situation.notes]
    return "\n\n".join([*(parts or [nothing(situation)]), DEGRADED])


def choose(place: Place, wanted: frozenset[str]) -> list[str]:
    """The sentences to quote, in the order of the text."""
    found = fitting(place.text, wanted, PER_PLACE)
    if found or not place.asked_for:
        return found
    return [one for one in sentences(place.text) if terms(one)][:PER_PLACE]


def places(situation: Situation) -> Iterator[Place]:
    """Everything that tools brought, and a long task."""
    for result in situation.results:
        if result.text.strip() and not result.failed and not is_list(result):
            yield Place(
                place_name(result),
                readable(unfenced(result.text)),
                result.tool == "web_fetch" or result.tool == "shared_context",
            )
    if len(situation.task) >= LONG_TASK:
        yield Place("the task", situation.task)


def place_name(result: Result) -> str:
    given = result.arguments
    for key in ("url", "name"):
        if isinstance(given.get(key), str):
            return str(given[key])
    return result.tool.replace("_", " ")


def is_list(result: Result) -> bool:
    """A list of names is no text to quote."""
    return result.arguments.get("action") == "list"


def readable(text: str) -> str:
    """Lines of JSON as the texts in them; other lines as they are. Headings stand apart."""
    lines: list[str] = []
    for line in _ABOUT_ITSELF.sub("", text).splitlines():
        lines.append("\n".join(texts_of(line)) if line.lstrip().startswith("{") else line)
        if line.startswith(("#", "-", "*", "|")) or line.lstrip().startswith("{"):
            lines.append("")
    return "\n".join(lines)


def texts_of(line: str) -> Sequence[str]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return [line]
    kept = ("title", "text", "summary", "content", "snippet")
    return [str(value[key]) for key in kept if isinstance(value, dict) and value.get(key)]


def nothing(situation: Situation) -> str:
    """An honest word for want of anything to quote."""
    looked = list(dict.fromkeys(result.tool.replace("_", " ") for result in situation.results))
    if looked:
        return f"Nothing found that fits this task; looked in: {', '.join(looked)}."
    return "This task needs a language model: there is nothing here to quote from."
