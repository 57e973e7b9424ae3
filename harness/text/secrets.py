"""Secrets, found in what is about to be written down, and left out of it.

Three ways to know one: the name it stands under (`password`, `api_key`, ...), its own shape
(`ghp_...`, a JWT, a private key, an address with a password), and its value, when it was handed in.
Whatever is masked stays masked: to redact twice changes nothing. What no rule can know is a
secret in plain words, without a name, a shape, or a value that was told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

MASK = "[redacted]"
SHORTEST = 6  # characters of a known value; `1` or `true` would mask half of every text

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ALWAYS = frozenset(("password", "passwd", "passphrase", "secret", "secrets")) | frozenset(
    ("credential", "credentials", "authorization")
)  # wherever in the name they stand
_LAST = frozenset(("token", "apikey", "passcode", "cookie", "bearer", "jwt"))  # no `token_count`
_LAST_TWO = frozenset(
    f"{kind} key"
    for kind in ("api", "access", "private", "secret", "signing", "encryption", "auth")
) | frozenset(("session id", "set cookie"))
_PLACES = frozenset(("file", "path", "dir", "folder"))  # `PASSWORD_FILE` says where, not what
_HARMLESS = frozenset(("first token", "per token", "last token", "next token", "page token"))
_REFERENCES = frozenset(("env", "file"))  # {env: NAME} says where a secret lies, not what it is
_WHOLE_LINE = frozenset(("authorization", "cookie"))  # headers: the value has spaces in it

_SHAPES = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY"
    r"(?: BLOCK)?-----|\Z)"
    r"|(?<![A-Za-z0-9])(?:"
    r"sk-[A-Za-z0-9_-]{20,}|[rsp]k_(?:live|test)_[A-Za-z0-9]{10,}"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}"
    r"|xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"
    r"|A(?:KIA|SIA)[A-Z0-9]{16,}|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{16,}"
    r"|hf_[A-Za-z0-9]{20,}|tvly-[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{40,}"
    r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|\d{8,10}:AA[A-Za-z0-9_-]{30,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"
    r")",
    re.DOTALL,
)
_BEARER = re.compile(
    r"(?<![A-Za-z0-9])(bearer\s+)(?:[A-Za-z0-9._~+/=-]{16,}|(?=[a-z._~+/=-]*\d)[A-Za-z0-9._~+/=-]{6,})",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"(://[^\s/?#:@]*+:)[^\s/?#]*@")  # user:password@, to the last @
_LONE_LOGIN = re.compile(r"(://)[A-Za-z0-9_~.-]{20,}@")  # a token in the place of the user
_NAME = re.compile(r"(?<![\w-])([\w-]++)(?:\\*+[\"'])?+\s{0,8}+(?::=?|=>?)\s{0,8}+|--([\w.-]++)[ ]")
_VALUE = re.compile(
    r'"(?:[^"\\\n]|\\.)*+"?|\'(?:[^\'\\\n]|\\.)*+\'?'
    r"|(?P<quote>\\+[\"'])(?:.*?(?=(?P=quote))(?P=quote)|[^\n]*)"
    r"|[^\s&\"'`<>]++"
)
_CLOSING = ",;.)]}"
# a part of every name that is_secret_name knows, and of the word before a bearer's token
_HINTS = re.compile(
    r"passw|passphrase|passcode|secret|credential|authoriz|token(?!s)|key|cookie|bearer|jwt"
    r"|session|pwd",
    re.IGNORECASE,
)


class Redactor:
    """Leaves secrets out of texts and of nested values; knows those values that it was told."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        told = {value for value in known if len(value) >= SHORTEST and value not in MASK}
        longest_first = sorted(told, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if told else None
        dumped = [json.dumps(value, ensure_ascii=False)[1:-1] for value in longest_first]
        self._dumped = re.compile("|".join(map(re.escape, dumped))) if told else None

    @classmethod
    def knowing(cls, environment: Mapping[str, str]) -> Redactor:
        """One that knows the values of all variables whose names look secret."""
        return cls(value for name, value in environment.items() if is_secret_name(name))

    def text(self, text: str) -> str:
        """`text` with each secret in it replaced by the mask."""
        if self._known:
            text = self._known.sub(MASK, text)
        text = _SHAPES.sub(MASK, text)
        text = _BEARER.sub(rf"\g<1>{MASK}", text)
        text = _LOGIN.sub(rf"\g<1>{MASK}@", text)
        text = _LONE_LOGIN.sub(rf"\g<1>{MASK}@", text)
        return "".join(without_named(text))

    def suspects(self, dumped: str) -> bool:
        """Whether a secret may be in this JSON text; False is certain, and costs little.

        For `json.dumps(value, ensure_ascii=False)`: where it is False, `value` would change
        nothing.
        """
        return bool(
            _HINTS.search(dumped)
            or _SHAPES.search(dumped)
            or ("@" in dumped and (_LOGIN.search(dumped) or _LONE_LOGIN.search(dumped)))
            or (self._dumped and self._dumped.search(dumped))
        )

    def value(self, value: Any) -> Any:
        """The same for JSON-like values; what stands under a secret name is masked whole.

        An object of another kind comes back as it is, or as redacted text when its text has a
        secret in it.
        """
        match value:
            case None | bool() | int() | float():
                return value
            case str():
                return self.text(value)
            case Mapping():
                return {
                    self.text(name) if isinstance(name, str) else name: (
                        masked(item) if is_secret_name(str(name)) else self.value(item)
                    )
                    for name, item in value.items()
                }
            case list() | tuple() | set() | frozenset():
                return [self.value(item) for item in value]
            case _:
                shown = (str(value), repr(value))
                clean = tuple(map(self.text, shown))
                return value if clean == shown else clean[0]


def is_secret_name(name: str) -> bool:
    """Whether what stands under this name is a secret: `API_KEY`, `apiKey`, `db.password`."""
    words = [word.lower() for word in _WORDS.findall(name)]
    ends = " ".join(words[-2:])
    if not words or ends in _HARMLESS or words[-1] in _PLACES:
        return False
    if words[-1] == "pwd":  # alone it is the working folder
        return len(words) > 1
    return words[-1] in _LAST or ends in _LAST_TWO or not _ALWAYS.isdisjoint(words)


def masked(value: Any) -> Any:
    """A secret, whatever form it has; where it is only named, the name stays."""
    match value:
        case None | bool():
            return value
        case Mapping():
            return {
                name: item if name in _REFERENCES and isinstance(item, str) else masked(item)
                for name, item in value.items()
            }
        case str() | bytes() | int() | float():
            return MASK
        case Sequence():
            return [masked(item) for item in value]
        case _:
            return MASK


def without_named(text: str) -> Iterator[str]:
    """The pieces of `text`, with a mask for each value that follows a secret name."""
    done = 0
    for found in _NAME.finditer(text):
        name = found[1] or found[2]
        if found.end() < done or not is_secret_name(name):
            continue
        start, end = found.end(), end_of_value(text, found.end(), name)
        if end > start:
            yield text[done:start]
            yield masked_text(text[start:end])
            done = end
    yield text[done:]


def end_of_value(text: str, start: int, name: str) -> int:
    """Where the value that begins at `start` ends."""
    quoted = text[start : start + 1] in {'"', "'", "\\"}
    if not quoted and not _WHOLE_LINE.isdisjoint(re.split(r"[^a-z]+", name.lower())):
        end = text.find("\n", start)
        return len(text) if end < 0 else end
    value = _VALUE.match(text, start)
    return value.end() if value else start


def masked_text(value: str) -> str:
    """The mask in the quotes of the value, and before the marks that close it."""
    if quote := re.match(r"\\*[\"']", value):
        mark = quote[0]
        closed = value.endswith(mark) and len(value) >= 2 * len(mark)
        return f"{mark}{MASK}{mark if closed else ''}"
    if value.startswith(MASK) and not value.removeprefix(MASK).strip(_CLOSING):
        return value
    return MASK + value[len(value.rstrip(_CLOSING)) :]
