"""What a session has read: whose words they were, and what of them may leave the house.

A model obeys the last thing it read. So it counts what it has read, not what it intends: who
has read a stranger's words may open the addresses that stood there, for whoever wrote them knows
them already, and may not make up new ones, for those could carry anything.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from unicodedata import normalize
from urllib.parse import unquote, unquote_plus, urlsplit

from harness.permission.index import Index
from harness.text.disarm import endings
from harness.text.urls import site_of
from harness.text.words import words

RUN = 5  # words in a row that are no chance any more
LONGEST_WORD = 32  # characters; what is longer and was nowhere read may be anything, encoded
LONG_NUMBER = 9  # digits; dates have eight
VISITS = 40  # of one domain in a session: which of many addresses is opened can say something too
_TELLING = re.compile(  # a word is tried from its beginning alone: the time must not grow faster
    r"(?<![\w.+-])[\w.+-]+@[\w.-]+|\d[\d .,/-]{4,}\d|(?<![A-Za-z_-])[A-Za-z_-]*\d[\w-]{7,}"
)
_ENDS = ".,;:!?'\"()[]<>"
_CLOSING = ".,;:!?*_)]}>'"
_ADDRESS = re.compile(r"https?://[^\s<>\"'`\\]+", re.IGNORECASE)
_JOINED = re.compile(r"(?<=\w)[-_.+](?=\w)|_")
# plain words with hyphens between them: no worse than the same words with blanks between them
_SLUG = re.compile(r"(?:[A-Za-z][a-z]{0,19}|\d{1,4})(?:[-_.+](?:[A-Za-z][a-z]{0,19}|\d{1,4})){2,}")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_NEVER_RAW = ' "<>[]\\^`{|}%'  # signs that an address cannot have as they are
_EITHER = "()'!*,"  # signs that some write as they are and some do not
# parameters that only tell where a visitor came from: people and models cut them off
_TRACKING = re.compile(r"(?<![^&])(?:utm_\w+|(?:fb|g|y|ms)clk?id|mc_[ce]id)=[^&]*&?")


class Taint:
    """Grows with what is read; a new session has a new one. Nothing takes a mark away."""

    def __init__(self, sources: Iterable[str] = ()) -> None:
        """`sources`: where what began the session came from, if it came from outside."""
        self.sources = dict.fromkeys(sources)
        self.visits: Counter[str] = Counter()
        self._addresses = Index(addresses)
        self._spellings = Index(spellings)
        self._open = Index(spoken)  # words of strangers, and of those who asked
        self._open_runs = Index(runs)
        self._private_runs = Index(runs)
        self._private_words = Index(telling)

    @property
    def tainted(self) -> bool:
        return bool(self.sources)

    def mark(self, source: str) -> None:
        """Something was asked outside, whatever came of it; empty: nobody was."""
        if source:
            self.sources[source] = None

    def read_outside(self, source: str, text: str) -> None:
        """A stranger's words came in; the addresses in them are no secret of ours."""
        self.sources[source] = None
        self.read_open(text)

    def read_notes(self, source: str, text: str) -> None:
        """Words came back from a file that a session wrote which had read a stranger's: who
        knows what else it wrote there? So none of it may go out again."""
        self.sources[source] = None
        self.read_private(text)

    def read_kept(self, source: str, text: str) -> None:
        """Notes came back whose writer kept no address that stood in nothing."""
        self.read_notes(source, text)
        self.read_addresses(text)

    def read_addresses(self, text: str) -> None:
        """Addresses that may be opened, in words that may not go out."""
        self._addresses.add(text)
        self._spellings.add(text)

    def read_open(self, text: str) -> None:
        """Words that may go out again as they are: of the task, of a list of sources."""
        self.read_addresses(text)
        self._open.add(text)
        self._open_runs.add(text)

    def read_private(self, text: str) -> None:
        """Words that are nobody else's business."""
        self._private_runs.add(text)
        self._private_words.add(text)

    def knows(self, url: str) -> bool:
        """Whether the address stood in what was read: opening it tells nobody anything new."""
        if _asked(url) in self._spellings.found:
            return True
        known = address_key(url) in self._addresses.found or self.is_front_page(url)
        return known and is_plain(url)

    def is_front_page(self, url: str) -> bool:
        """Whether it is the bare host of an address that stood there."""
        key = address_key(url)
        return (
            "/" not in key
            and "?" not in key
            and any(known.startswith(f"{key}/") for known in self._addresses.found)
        )

    def visit(self, url: str) -> None:
        self.visits[site_of(url)] += 1

    def carries(self, text: str) -> str | None:
        """What of the house a text would carry out, in words for a person; None for nothing.

        Only what is not a stranger's already counts.
        """
        if not text:
            return None
        plain = unquote_plus(text)
        own_runs = runs(plain) & self._private_runs.found
        if run := next(iter(own_runs - self._open_runs.found), None):
            return f"words of your own files (`{' '.join(run)}`)"
        said = self._private_words.found & telling(plain)
        if own := next((word for word in sorted(said) if not self._is_open(word)), None):
            return f"`{own}`, which stands in your own files"
        for word in (part.strip(_ENDS) for part in re.split(r"[\s/?&=#]+", plain)):
            if len(word) > LONGEST_WORD and not (_SLUG.fullmatch(word) or self._is_open(word)):
                return f"`{word[:LONGEST_WORD]}…`, which may be anything, encoded"
        return None

    def _is_open(self, word: str) -> bool:
        return word in self._open.found or any(word in known for known in self._open.found)


def addresses(text: str) -> set[str]:
    """The keys of all addresses in a text, with and without what counts their visitors."""
    found = (url for match in _ADDRESS.findall(text) for url in readings(match))
    return {address_key(form) for url in found for form in (url, untracked(url))}


def spellings(text: str) -> set[str]:
    """All addresses in a text as they stand there, but for what is never sent."""
    return {_asked(url) for match in _ADDRESS.findall(text) for url in readings(match)}


def _asked(url: str) -> str:
    return url.strip().partition("#")[0]


def is_plain(url: str) -> bool:
    """Whether an address is spelled as people and programs do. Where each sign may be written in
    two ways, the choice could say something to the server, a bit for every sign."""
    asked = _asked(url)
    signs = _ESCAPE.findall(asked)
    said = {chr(int(sign[1:], 16)) for sign in signs}
    return (
        all(sign == sign.upper() for sign in signs)
        and all(sign > "\x7f" or sign in _NEVER_RAW + _EITHER for sign in said)
        and not any(sign in asked for sign in said & set(_EITHER))
        and not asked.endswith("//")
        and asked.count("&amp;") in {0, asked.count("&")}
    )


def untracked(url: str) -> str:
    """An address without the parameters that only tell where a visitor came from."""
    before, mark, query = url.replace("&amp;", "&").partition("?")
    return f"{before}{mark}{_TRACKING.sub('', query)}".rstrip("?&")


def readings(url: str) -> Iterator[str]:
    """What an address in a sentence may be: with the closing marks at its end, and without."""
    yield re.split(r"[)\]}]", url, maxsplit=1)[0].rstrip(_ENDS)
    yield from (url[:end] for end in endings(url, _CLOSING))


def address_key(url: str) -> str:
    """Two addresses with the same key ask a server the same; its fragment is never sent."""
    try:
        parts = urlsplit(url.strip().replace("&amp;", "&"))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return url
    host = "".join(map(readable, re.split(r"(\.)", host.rstrip("."))))
    host = host.removeprefix("www.")
    place = host if port in {None, 80, 443} else f"{host}:{port}"
    query = f"?{parts.query}" if parts.query else ""
    return f"{place}{unquote(parts.path.rstrip('/'))}{unquote(query)}"


def readable(label: str) -> str:
    """A part of a host's name in its own letters: `xn--mnchen-3ya` is `münchen`."""
    if not label.startswith("xn--"):
        return normalize("NFC", label)
    try:
        return label.removeprefix("xn--").encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def runs(text: str) -> set[tuple[str, ...]]:
    """Every run of RUN words, also of those with hyphens and the like between them."""
    return {run for form in (text, _JOINED.sub(" ", text)) for run in runs_of(words(form))}


def runs_of(said: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The letters of `S&P` are no words, nor is a small number; CJK has a word in each sign."""
    told = [word for word in said if word > "\x7f" or len(word) > (3 if word.isdigit() else 1)]
    return (tuple(told[i : i + RUN]) for i in range(len(told) - RUN + 1))


def spoken(text: str) -> set[str]:
    """What may be said again: every word, and what tells something by itself."""
    return {*text.split(), *telling(text)}


def telling(text: str) -> set[str]:
    """Mail addresses, long numbers, names with digits: what alone already tells something. A
    number is the same however its digits are set apart."""
    found = {word.strip(_ENDS) for word in _TELLING.findall(text)}
    numbers = (re.sub(r"\D", "", word) for word in found)
    return found | {number for number in numbers if len(number) >= LONG_NUMBER}
