"""Names under which secrets stand: `API_KEY`, `apiKey`, `db.password`, `PHPSESSID`."""

from __future__ import annotations

import re

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ALWAYS = frozenset(("password", "passwd", "passphrase", "passwort", "kennwort")) | frozenset(
    ("secret", "secrets", "credential", "credentials", "authorization")
)  # wherever in the name they stand
_LAST = frozenset(("token", "apikey", "passcode", "cookie", "bearer", "jwt", "phpsessid"))
_LAST_TWO = frozenset(
    f"{kind} key"
    for kind in (
        *("api", "access", "account", "private", "secret", "signing", "encryption"),
        *("auth", "master", "license"),
    )
) | frozenset(("session id", "set cookie"))
_RUN_TOGETHER = re.compile(
    r"\w+(?:token|password|passwd|secret|apikey|secretkey|privatekey|accesskey|sessionid)"
)  # `csrftoken`, `dbpassword`
_AFTER_A_PLACE = frozenset(("pwd", "pass", "pat"))  # `DB_PASS`, `GITHUB_PAT`; alone they are words
_IN_PROSE = frozenset(("first", "second", "third", "last", "next", "one", "two", "single", "by"))
_PLACES = frozenset(("file", "path", "dir", "folder"))  # `PASSWORD_FILE` says where, not what
_ABOUT = _PLACES | frozenset(
    (
        *("length", "policy", "count", "manager", "type", "expiry", "expires", "age", "strength"),
        *("required", "enabled", "rotation", "reset", "field", "prompt", "min", "max", "ref"),
        "name",
    )
)  # `password_length` says something of it
_HARMLESS = frozenset(("first token", "per token", "last token", "next token", "page token"))
# in small letters, a part of every name that is_secret_name knows, but for `token` and the three
# that are words: those take a closer look
_HINTS = (
    *("passw", "passph", "passc", "kennw", "secret", "credential", "authoriz", "key", "cookie"),
    *("bearer", "jwt", "session", "phpsess", "pwd", "identified by"),
)
_SHORT_HINT = re.compile(r"pa(?:ss|t)(?![a-z])")


def is_secret_name(name: str) -> bool:
    """Whether what stands under this name is a secret: `API_KEY`, `apiKey`, `db.password`."""
    words = [word.lower() for word in _WORDS.findall(name)]
    ends = " ".join(words[-2:])
    if not words or ends in _HARMLESS or words[-1] in _ABOUT:
        return False
    if words[-1] in _AFTER_A_PLACE:
        return len(words) > 1 and words[-2] not in _IN_PROSE
    return (
        words[-1] in _LAST
        or ends in _LAST_TWO
        or not _ALWAYS.isdisjoint(words)
        or _RUN_TOGETHER.fullmatch(words[-1]) is not None
    )


def may_name(text: str) -> bool:
    """Whether a secret name may stand in this text; False is certain."""
    low = text.lower()
    return (
        any(hint in low for hint in _HINTS)
        or low.count("token") != low.count("tokens")
        or _SHORT_HINT.search(low) is not None
    )
