"""Characters that nobody sees: they carry hidden orders, and they break comparisons."""

from __future__ import annotations

import re

# Controls but tab and line feed; soft hyphen; zero-width, bidirectional and invisible operators;
# fillers; interlinear marks; byte order mark; tag characters; the variation selectors that no
# emoji needs (U+FE0E and U+FE0F stay).
_UNSEEN = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0"
    "\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]"
)
# The joiners are part of Persian words and of emoji, and of nothing in ASCII.
_STRAY_JOINER = re.compile(
    "(?<![^\u0000-\u007f\u200c\u200d])[\u200c\u200d]+|[\u200c\u200d]+(?![^\u0000-\u007f\u200c\u200d])|[\u200c\u200d]{2,}"
)


def visible(text: str) -> str:
    """`text` without its invisible characters; line ends become plain line feeds."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    return _STRAY_JOINER.sub("", _UNSEEN.sub("", lines))


def escaped(text: str) -> str:
    """`text` with its invisible characters written out (`\\u202e`), so that nothing in it hides
    from the eye; line ends and tabs too."""
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if character in "\t\n\u200c\u200d" or _UNSEEN.match(character)
        else character
        for character in text
    )
