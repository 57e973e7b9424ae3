"""The front matter of a SKILL.md, also as other systems write it."""

from __future__ import annotations

import re
from pathlib import Path

from ruamel.yaml.error import YAMLError

from harness.config.document import Document
from harness.config.yaml_text import load_yaml
from harness.errors import ConfigError

# OpenClaw writes `metadata` as JSON5 on one line, where keys need no quotes and no space follows
# a colon, which YAML takes for a part of the key
_ONE_LINER = re.compile(r"^metadata:[ \t]*\{.*$", re.MULTILINE)
_COLON = re.compile(r""""(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|:(?=\S)""")
_TOOL = re.compile(r"(?:[^\s,()]|\([^()]*\))+")  # `Bash(git status:*)` is one


def read_matter(path: Path) -> Document:
    """The file, its front matter parsed. Raises ConfigError."""
    try:
        return Document.read_front(path)
    except ConfigError:
        text = text_of(path)
        if not _ONE_LINER.search(text):
            raise
        return Document.parse_markdown(_ONE_LINER.sub(lambda line: spaced(line[0]), text), path)


def spaced(text: str) -> str:
    """JSON5 with a space behind each colon that is not in quotes, which makes it YAML."""
    return _COLON.sub(lambda found: ": " if found[0] == ":" else found[0], text)


def mapping_in(value: object) -> object:
    """`metadata` as it stands, or what a text of JSON5 holds; anything else is refused later."""
    if value is None:
        return {}
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return value
    try:
        return load_yaml(spaced(value))[1]
    except YAMLError:
        return value


def listed_tools(value: object) -> object:
    """The format has one text with spaces between; others write commas, or a list."""
    if value is None:
        return ()
    return tuple(_TOOL.findall(value)) if isinstance(value, str) else value


def text_of(path: Path) -> str:
    """The text of a file that could be read a moment ago; empty when it cannot any more."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""
