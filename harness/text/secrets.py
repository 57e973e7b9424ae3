"""Secrets, found in what is about to be written down, and left out of it.

Three ways to know one: the name it stands under (`password`, `api_key`, ...), its own shape
(`ghp_...`, a JWT, a private key, an address with a password), and its value, when it was handed in:
also coded (base64, URL, JSON), and also with characters in it that nobody sees.
Whatever is masked stays masked: to redact twice changes nothing. What no rule can know is a
secret in plain words, without a name, a shape, or a value that was told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.text.known_values import forms_of, in_json
from harness.text.named_values import MASK, names_one, without_named
from harness.text.secret_names import is_secret_name, may_name
from harness.text.secret_shapes import shaped

__all__ = ["MASK", "Redactor", "is_secret_name"]

ROUNDS = 8  # what is masked may uncover another secret; two are common

_REFERENCES = frozenset(("env", "file"))  # {env: NAME} says where a secret lies, not what it is
_FLAG = re.compile(r"--?[\w.-]+")
_BEARER = re.compile(
    r"(?<![A-Za-z0-9])(bearer\s+)(?:[A-Za-z0-9._~+/=-]{16,}|(?=[a-z._~+/=-]*\d)[A-Za-z0-9._~+/=-]{6,})",
    re.IGNORECASE,
)
_BASIC = re.compile(
    r"(?<![A-Za-z0-9])([Bb]asic\s+)(?=[A-Za-z+/]{0,99}\d)(?=[a-z0-9+/]{0,99}[A-Z])"
    r"[A-Za-z0-9+/]{12,}={0,2}"
)
_LOGIN = re.compile(r"(://[^\s/?#:@]*+:)[^\s/?#]*@")  # user:password@, to the last @
_LONE_LOGIN = re.compile(r"(://)[A-Za-z0-9_~.-]{20,}@")  # a token in the place of the user
_UNSEEN = re.compile(  # joiners and selectors of emoji too: only where a secret hides they go
    "[\u00ad\u034f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e007f]"
)
_USER_FLAGS = frozenset(("-u", "--user", "--proxy-user"))
_USER_HINT = re.compile(r"-u(?:ser)?[\s=\"'\\]")
_BASIC_HINT = re.compile(r"asic[\s\\]")
_USER_FLAG = re.compile(  # curl; a number is an account, as docker has it
    r"""((?<![^\s"'])(?:-u|--user|--proxy-user)(?:[\s=]|["'],\s?)["']?[^\s:"']+:)(?!\d+\b|/)[^\s"']+"""
)


class Redactor:
    """Leaves secrets out of texts and of nested values; knows those values that it was told."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._told: frozenset[str] = frozenset()
        self.learn(known)

    @classmethod
    def knowing(cls, environment: Mapping[str, str], values: Iterable[str] = ()) -> Redactor:
        """One that knows these values, and those of all variables whose names look secret."""
        named = (value for name, value in environment.items() if is_secret_name(name))
        return cls((*named, *values))

    def learn(self, values: Iterable[str]) -> None:
        """Know these values too, from now on: what a file held before a reload stays secret."""
        self._told |= frozenset(values)
        self._known = forms_of(self._told, MASK)
        self._known_in_json = in_json(self._known)
        self._spaced = tuple(form for form in self._known if any(map(str.isspace, form)))

    def text(self, text: str) -> str:
        """`text` with each secret in it replaced by the mask."""
        clean = self._settled(text)
        if text.isascii() or (bare := _UNSEEN.sub("", text)) == text:
            return clean
        found = self._settled(bare)  # a secret that hides behind characters that nobody sees
        return clean if found == _UNSEEN.sub("", clean) else found

    def suspects(self, dumped: str) -> bool:
        """Whether a secret may be in this JSON text; False is certain, and costs little.

        For `json.dumps(value, ensure_ascii=False)`: where it is False, `value` would change
        nothing.
        """
        return self._suspects(dumped) or (
            not dumped.isascii()
            and (bare := _UNSEEN.sub("", dumped)) != dumped
            and self._suspects(bare)
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
                return self._mapping(value)
            case list() | tuple() | set() | frozenset():
                return self._items(list(value))
            case _:
                shown = (str(value), repr(value))
                clean = tuple(map(self.text, shown))
                return value if clean == shown else clean[0]

    def open_end(self, text: str) -> int:
        """Where a known value of several words may begin that `text` breaks off in; the length
        of `text` where none does."""
        return min((begun(text, form) for form in self._spaced), default=len(text))

    def _settled(self, text: str) -> str:
        """The text after as many rounds as change it."""
        for _ in range(ROUNDS):
            if not self._suspects(text) or (clean := self._once(text)) == text:
                break
            text = clean
        return text

    def _once(self, text: str) -> str:
        for form in self._known:
            text = text.replace(form, MASK)
        for shape in shaped(text):
            text = shape.whole.sub(MASK, text)
        text = _BEARER.sub(rf"\g<1>{MASK}", text)
        text = _BASIC.sub(rf"\g<1>{MASK}", text)
        text = _LOGIN.sub(rf"\g<1>{MASK}@", text)
        text = _LONE_LOGIN.sub(rf"\g<1>{MASK}@", text)
        text = _USER_FLAG.sub(rf"\g<1>{MASK}", text)
        return without_named(text)

    def _suspects(self, text: str) -> bool:
        return (
            may_name(text)
            or any(shape.body.search(text) for shape in shaped(text))
            or ("@" in text and "://" in text)
            or _USER_HINT.search(text) is not None
            or _BASIC_HINT.search(text) is not None
            or any(form in text for form in self._known_in_json)
            or any(form in text for form in self._known)
        )

    def _mapping(self, value: Mapping[Any, Any]) -> dict[Any, Any]:
        pair = names_one(value)  # {"name": "DB_PASSWORD", "value": ...}
        return {
            self.text(name) if isinstance(name, str) else name: (
                masked(item)
                if is_secret_name(str(name)) or (pair and name == "value")
                else self.value(item)
            )
            for name, item in value.items()
        }

    def _items(self, items: list[Any]) -> list[Any]:
        """The items of a list; what follows a flag like `--password` is a secret."""
        clean, secret = [], False
        for item in items:
            clean.append(masked(item) if secret and isinstance(item, str) else self.value(item))
            secret = isinstance(item, str) and _wants_secret(item)
        return clean


def begun(text: str, form: str) -> int:
    """Where the end of `text` begins that is a beginning of `form`, and not all of it."""
    start = text.find(form[0], max(len(text) - len(form) + 1, 0))
    while start >= 0 and not form.startswith(text[start:]):
        start = text.find(form[0], start + 1)
    return len(text) if start < 0 else start


def _wants_secret(flag: str) -> bool:
    return flag in _USER_FLAGS or (bool(_FLAG.fullmatch(flag)) and is_secret_name(flag))


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
