"""Values that stand under a secret name in a text: `token=...`, JSON, YAML, headers, flags, XML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.text.secret_names import is_secret_name

MASK = "[redacted]"
DEEPEST = 100  # characters by which a line may be indented

_WHOLE_LINE = frozenset(("authorization", "cookie"))  # headers: the value has spaces in it
_PHRASES = frozenset(("password", "passwd", "passwort", "kennwort", "pwd"))  # so may these have
_GAP = r"[ \t]{0,8}+(?:\r?\n[ \t]{1,16}+)?+"  # to the value, at most into the next line
_QUOTE = r"(?:\\*+[\"'])"
_NAME = re.compile(rf"(?<![\w-])(?P<name>[\w-]++){_QUOTE}?+[ \t]{{0,8}}+(?P<sign>:=?|=>?){_GAP}")
_RARER = (  # each with what every text that has it contains
    ("--", re.compile(rf"--(?P<name>[\w.-]++)(?:[ ]|{_QUOTE},[ ]?)")),
    ("</", re.compile(r"<(?P<name>[\w.:-]++)>(?=[^<>\n]{1,4096}</)")),
    (  # {"name": "DB_PASSWORD", "value": ...}, also in YAML
        "value",
        re.compile(
            rf"\b(?:name|key){_QUOTE}?+:[ \t]{{0,8}}+{_QUOTE}?+(?P<name>[\w.-]++){_QUOTE}?+,?+"
            rf"\s{{0,16}}+{_QUOTE}?+value{_QUOTE}?+:{_GAP}"
        ),
    ),
    (  # in a sentence: only what looks little like a word
        "s",
        re.compile(
            r"\b(?P<name>[Pp]ass(?:word|wort|phrase|code)|[Tt]oken|[Ss]ecret|[Kk]ennwort)"
            r" (?:is|was|ist) (?=[\"'`]?(?=\S{0,64}\d)(?=\S{0,64}[A-Za-z])\S{5})`?"
        ),
    ),
    (" login ", re.compile(r"\blogin \S{1,64} (?P<name>password) ")),  # .netrc
    (" BY ", re.compile(r"\b(?P<name>PASSWORD|IDENTIFIED) BY (?=['\"])")),  # SQL
)
_VALUE = re.compile(
    r'"(?:[^"\\\n]|\\.)*+"?|\'(?:[^\'\\\n]|\\.)*+\'?'
    r"|(?P<quote>\\+[\"'])(?:.*?(?=(?P=quote))(?P=quote)|[^\n]*)"
    r"|[|>][+-]?\d?[ \t]*\n(?P<indent>[ \t]+)[^\n]*(?:\n(?P=indent)[^\n]*)*"  # a block of YAML
    r"|\{[^{}\n]*+\}?|\[[^\[\]\n]*+\]?"
    r"|[^\s&\"'`<>]++"
)
_CLOSING = ",;.)]}"
_NO_SECRET = re.compile(
    r"(?:null|none|nil|undefined|true|false|yes|no"
    r"|(?:str|int|bytes|bool|string|text|object|any|secretref|secretstr)(?:[ |\[].*)?"  # kinds
    r"|a|an|the|it|its|this|that|is|are|was|be|in|on|to|of|for|not|how|what|why|when|who|we|you"
    r"|\$\{?[A-Z_][A-Z0-9_]*\}?|\$\(.*|\$\{\{.*|\{\{.*|\{[a-z_.]*\}|<[^>]*>|%\(?\w*\)?s"
    r"|\*+|\.{2,}|…|[-_|(){}\[\]]{1,2}|[xX]{3,}|YOUR[A-Z_-]+|=.*"
    r"|\{\s*[\"']?(?:env[\"']?\s*:\s*[\"']?[a-z_]\w*|file[\"']?\s*:\s*[\"']?[\w./~-]+)[\"']?\s*\}"
    r"|(?:os\.|process\.env|self\.|settings\.|config\.|ctx\.|this\.|request\.|secrets\.)[\w.\[\]]*"
    r"|[A-Za-z_.]{3,}\(.*)",
    re.IGNORECASE | re.DOTALL,
)


def without_named(text: str) -> str:
    """`text` with a mask for each value that follows a secret name."""
    text = "".join(_pieces(text, _NAME))
    for anchor, pattern in _RARER:
        if anchor in text:
            text = "".join(_pieces(text, pattern))
    return text


def names_one(pair: Mapping[Any, Any]) -> bool:
    """Whether this is a name and a value, as `{"name": "DB_PASSWORD", "value": ...}`."""
    name = pair.get("name", pair.get("key"))
    return "value" in pair and isinstance(name, str) and is_secret_name(name)


def _pieces(text: str, names: re.Pattern[str]) -> Iterator[str]:
    done = 0
    for found in names.finditer(text):
        if found.end() < done or not _is_secret(found["name"]):
            continue
        start, end = found.end(), _end_of_value(text, found)
        if end > start and not _is_harmless(_bare(text[start:end]), found["name"]):
            yield text[done:start]
            yield _masked_text(text[start:end])
            done = end
    yield text[done:]


def _is_secret(name: str) -> bool:
    return name == "IDENTIFIED" or is_secret_name(name)


def _end_of_value(text: str, found: re.Match[str]) -> int:
    """Where the value that begins behind the name ends."""
    start = found.end()
    name = found["name"].lower()
    quoted = text[start : start + 1] in {'"', "'", "\\", "|", ">", "{", "["}
    value = _VALUE.match(text, start)
    end = value.end() if value else start
    if quoted or found.re is not _NAME or not (_is_header(name) or _is_phrase(text, found, name)):
        return end
    if not _is_header(name) and _is_harmless(_bare(text[start:end]), name):
        return end
    line_end = text.find("\n", start)
    return len(text) if line_end < 0 else line_end


def _is_header(name: str) -> bool:
    return not _WHOLE_LINE.isdisjoint(re.split(r"[^a-z]+", name))


def _is_phrase(text: str, found: re.Match[str], name: str) -> bool:
    """Whether the value may be several words: a password alone on its line, or a passphrase."""
    if found["sign"] != ":" and not found[0].endswith(" "):
        return False
    words = re.split(r"[^a-z]+", name)
    if "passphrase" in words:
        return True
    before = text[max(found.start() - DEEPEST, 0) : found.start()].rpartition("\n")[2]
    return not _PHRASES.isdisjoint(words) and not before.strip("- \t")


def _is_harmless(value: str, name: str) -> bool:
    """Whether this stands for a secret and is none, as in `--api-token TOKEN`."""
    plain = re.sub(r"[^a-z]", "", name.lower())
    itself = plain.endswith(re.sub(r"[_-]", "", value.lower())) and len(value) >= 3
    return itself or _NO_SECRET.fullmatch(value) is not None


def _bare(value: str) -> str:
    """The value without its quotes and the marks that close it."""
    inside = re.sub(r"^\\*[\"']|\\*[\"']$", "", value)
    return inside if inside[:1] in "{[(<" else inside.rstrip(_CLOSING) or inside


def _masked_text(value: str) -> str:
    """The mask in the quotes of the value, and before the marks that close it."""
    if quote := re.match(r"\\*[\"']", value):
        mark = quote[0]
        closed = value.endswith(mark) and len(value) >= 2 * len(mark)
        return f"{mark}{MASK}{mark if closed else ''}"
    if value.startswith(MASK) and not value.removeprefix(MASK).strip(_CLOSING):
        return value
    return MASK + value[len(value.rstrip(_CLOSING)) :]
