"""What works in a skill and still deserves a word: sizes, other systems' keys, odd lines.

A skill is read by a model that may obey it, so whoever adds one should know what it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.config.document import Document
from harness.config.names import did_you_mean
from harness.config.skill_matter import read_matter
from harness.config.skills import further_files
from harness.errors import HarnessError, Problem
from harness.rooted import Root
from harness.text.invisible import escaped, visible
from harness.text.lines import bare_lines
from harness.text.secrets import Redactor
from harness.text.tokens import estimate_tokens

MOST_TOKENS, MOST_LINES = 5_000, 500  # of a body, as the format advises
MAX_BYTES = 500_000  # of a further file
LONGEST_LINE = 500  # characters that are shown
FORMAT = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")
OPENCLAW = ("homepage", "user-invocable", "disable-model-invocation", "command-dispatch")
OPENCLAW_MORE = ("command-tool", "command-arg-mode")
HERMES = ("version", "platforms", "required_environment_variables")
KNOWN = frozenset((*FORMAT, *OPENCLAW, *OPENCLAW_MORE, *HERMES))
NOT_OBEYED = frozenset(("disable-model-invocation", "command-dispatch", "user-invocable"))

RUN_ON_LOAD = "other systems run this when they load the skill; here it is text"
FILLED_IN = "other systems put a value here when they load the skill; here it stays as it is"
ODD = (  # what a line of a skill may say, and why that deserves a word
    (re.compile(r"!`[^`]*`|^\s*```+\s*!"), RUN_ON_LOAD),
    (re.compile(r"\$\{[^}]*\}"), FILLED_IN),
    (
        re.compile(
            r"\b(?:ignore|disregard|forget|override)\b[^.\n]{0,30}\b(?:previous|prior|above|earlier|"
            r"preceding|system)\b[^.\n]{0,20}\b(?:instructions?|prompts?|rules?|messages?|orders?)"
            r"|\bignore (?:all )?previous\b",
            re.IGNORECASE,
        ),
        "this tells the reader to set aside what it was told before",
    ),
    (
        re.compile(
            r"\b(?:do not|don't|never) (?:tell|inform|mention|show|reveal)\b[^.\n]{0,40}"
            r"\b(?:user|person|human|owner)\b",
            re.IGNORECASE,
        ),
        "this asks the reader to keep something from you",
    ),
    (
        re.compile(
            r"(?:^|[\s\"'`(<=~/])(?:\.ssh|\.aws|\.gnupg|\.kube|\.docker|\.netrc|\.npmrc|\.pypirc"
            r"|\.git-credentials|\.env|id_(?:rsa|ed25519|ecdsa)|credentials\.json|auth-profiles\.json"
            r"|\.harness|/etc/shadow)(?![\w-])",
            re.IGNORECASE,
        ),
        "this names a place where secrets lie",
    ),
    (
        re.compile(r"\b(?:curl|wget)\b[^\n|]*\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b", re.IGNORECASE),
        "this runs what an address answers",
    ),
)


def remarks_on(path: Path) -> list[Problem]:
    """What deserves a word in a SKILL.md and in the markdown files beside it, by place.

    Raises ConfigError for a file that does not parse: that is an error, and no remark.
    """
    document = read_matter(path)
    return [*of_matter(document), *of_size(document), *of_words(path), *of_further(path)]


def of_matter(document: Document) -> Iterator[Problem]:
    """Keys that are not those of the format, or that other systems write in another way."""
    data = document.data if isinstance(document.data, dict) else {}
    for key in map(str, data):
        if fault := odd_key(key):
            yield document.problem((key,), fault, key=True, hint=meant(key))
    if data.get("allowed-tools"):
        told = "`allowed-tools` grants nothing here: an agent has the tools of its profile"
        yield document.problem(("allowed-tools",), told, key=True)
        if not isinstance(data["allowed-tools"], str):
            fault = "`allowed-tools` is a list here, and one text with spaces in the format"
            yield document.problem(("allowed-tools",), fault)
    yield from of_metadata(document, data.get("metadata"))


def odd_key(key: str) -> str | None:
    """What there is to say of a key, or None."""
    if key in NOT_OBEYED:
        return f"`{key}` is another system's, and not obeyed here"
    return None if key in KNOWN else f"unknown key `{key}`; it is kept, and nothing reads it"


def meant(key: str) -> str | None:
    return None if key in KNOWN else did_you_mean(key, FORMAT)


def of_metadata(document: Document, metadata: Any) -> Iterator[Problem]:
    """The format wants texts under texts."""
    if isinstance(metadata, str):
        yield document.problem(("metadata",), "`metadata` is JSON5 in a text; it is read as such")
    if not isinstance(metadata, dict):
        return
    for key, value in metadata.items():
        if not isinstance(value, str):
            fault = f"`{key}` is no text, as the format wants it; it is kept as it stands"
            yield document.problem(("metadata", str(key)), fault, key=True)


def of_size(document: Document) -> Iterator[Problem]:
    """A body is read whole each time, so the format advises what it may cost."""
    tokens, lines = estimate_tokens(document.body), len(bare_lines(document.body))
    hint = "move what is not always needed to references/"
    if tokens > MOST_TOKENS:
        told = f"the body has about {tokens} tokens; the format advises {MOST_TOKENS} at most"
        yield document.problem(("name",), told, key=True, hint=hint)
    if lines > MOST_LINES:
        told = f"the body has {lines} lines; the format advises {MOST_LINES} at most"
        yield document.problem(("name",), told, key=True, hint=hint)


def of_words(path: Path) -> list[Problem]:
    """The lines of a SKILL.md that say something odd."""
    return odd_lines(path, path.read_text(encoding="utf-8-sig"))


def of_further(path: Path) -> Iterator[Problem]:
    """The same of the markdown files beside it, which a model reads as well."""
    root = Root(path.parent)
    for name in (each for each in further_files(path.parent) if each.lower().endswith(".md")):
        try:
            text = root.read_text(name, MAX_BYTES)
        except HarnessError as error:
            yield Problem(path.parent / name, 1, 1, f"the file cannot be read by an agent: {error}")
        else:
            yield from odd_lines(path.parent / name, text)


def odd_lines(path: Path, text: str) -> list[Problem]:
    """A remark for each odd place of a text, the first of each kind in a line."""
    redactor = Redactor()
    lines = enumerate(bare_lines(text), start=1)
    return [problem for number, line in lines for problem in of_line(path, number, line, redactor)]


def of_line(path: Path, number: int, line: str, redactor: Redactor) -> Iterator[Problem]:
    if redactor.text(line) != line:
        yield Problem(path, number, 1, "this line looks as if it held a secret", "take it out")
        return
    seen = visible(line)
    if seen != line:
        place = next((i for i, sign in enumerate(seen) if sign != line[i]), len(seen))
        told = "the line holds characters that nobody sees"
        yield Problem(path, number, place + 1, told, "delete them", shown(escaped(line)))
    for pattern, told in ODD:
        if found := pattern.search(seen):
            yield Problem(path, number, found.start() + 1, told, None, shown(seen), len(found[0]))


def shown(line: str) -> str:
    """A line for the caret, which cannot follow a tab; none where it is too long."""
    return line.replace("\t", " ") if len(line) <= LONGEST_LINE else ""
