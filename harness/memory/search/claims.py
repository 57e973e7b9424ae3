"""What a sentence of a note claims: of whom, what, and whether it tells of a change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from harness.memory.search.terms import terms_of
from harness.memory.search.values import Values, values_of

SENTENCES = 6  # of one note; a longer one is a text, and no fact
LONGEST = 400  # characters of a sentence
HEAD = 60  # characters before a colon that name what it speaks of

_ENDS = re.compile(r"(?<=[.!?;])\s+(?=\S)|\n+")
_LEAD = re.compile(
    r"^(?:[-*+>#\s]|\[[ xX]\]|\d{1,2}:\d\dZ\s|\*\*|(?:update|correction|note|reminder|fyi|fact|news"
    r"|decision|heads[- ]up|todo|ps|remember)\s*[:!]|(?:also|and|but|so|btw|by the way),?\s)*",
    re.IGNORECASE,
)
_UNSURE = re.compile(
    r"\?\s*$|^(?:if|when|whenever|should|suppose|unless|what if)\b|\b(?:might|maybe|perhaps"
    r"|possibly|would|could|consider(?:s|ed|ing)?|thinking (?:of|about)|plans? to|hopes? to"
    r"|wants? to|wishes|suggest(?:s|ed)?|proposed|wonders?|asked (?:whether|if)|discussed"
    r"|rumou?rs?)\b",
    re.IGNORECASE,
)
_PASSING = re.compile(
    r"\b(?:today|tomorrow|yesterday|tonight|this (?:morning|afternoon|evening|week|time)|last"
    r" (?:week|month|year|night|time)|next (?:week|month|time)|for once|just this once|ago"
    r"|exceptionally|an exception)\b",
    re.IGNORECASE,
)
_CHANGED = re.compile(
    r"\b(?:now|nowadays|currently|these days|meanwhile|as of|from now on|going forward|in future"
    r"|henceforth|effective|no longer|not (?:[\w'’]+ ){0,4}any ?more|any ?more|instead|rather than"
    r"|since (?:then|the)|starting|new|newly|latest|actually|in fact|turns out|used to|formerly"
    r"|previously|so far|until now|up from|down from)\b",
    re.IGNORECASE,
)
_TURN = re.compile(
    r"\b(?:(?:has|have|had|was|were|is|are|got|gets|been|being|just|recently|now|finally|since"
    r"|we|they|i) )*"
    r"(?P<verb>moved?|moves|changed?|changes|switched|switches|went (?:up|down|over)|goes up"
    r"|goes down|raised?|increased|reduced|lowered|cut|dropped|drops|rose|risen|rises|fell|fallen"
    r"|falls|renamed|upgraded|downgraded|updated|bumped|migrated|rescheduled|postponed|delayed"
    r"|brought forward|pushed(?: back)?|shifted|replaced|replaces|relocated|transferred|reassigned"
    r"|handed over|passed|promoted|became|becomes|turned|joined|converted|swapped|extended|grew"
    r"|grown|shrank|climbed|doubled|halved|taken over|takes over|took over)\b",
    re.IGNORECASE,
)
_STATE = re.compile(
    r"(?<![-\w])(?P<verb>is|are|isn['’]t|aren['’]t|equals|means|remains|lives?|works?|costs?|runs?"
    r"|listens?|starts?|begins?|ends?|opens?|closes?|shuts?|takes?|prefers?|wants?|needs?|requires?"
    r"|reports?(?= to)|belongs?|weighs?|expires?|answers?|sits?|lies?|stands?|points?(?= to)"
    r"|charges?|pays?|earns?|uses?|has|have|holds?|stays?|resides?|drives?|keeps?|allows?|expects?|returns?"
    r"|wakes?|sleeps?|arrives?|leaves?|departs?|teaches|studies|meets?|speaks?|owns?|manages?"
    r"|leads?|hosts?(?= \w)|serves?|supports?|stores?(?= \w)|drinks?|eats?|trains?(?= on)|plays?"
    r"|likes?|loves?|hates?|knows?|reads?|writes?|handles?|accepts?|must|should|can|goes?|gets?"
    r"|comes?|happens?|rents?|commutes?|lasts?|trades?|does|do)(?![-\w])",
    re.IGNORECASE,
)
_COLON = re.compile(r"(?P<verb>:(?=\s)|\s=\s|\s->\s|\s→\s)")
_PAST = re.compile(
    r"\b(?:was|were|had|met|called|talked|spoke|went|did|came|saw|bought|sold|sent|wrote|got|gave"
    r"|took|made|told|said|ran|held|found|left|lost|won|read|ate|drank|flew|drove|[a-z]{3,}ed)\b",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\b(?:not|never|no longer|no more|cannot|without|stopped|quit|gave up)\b|n['’]t\b",
    re.IGNORECASE,
)
_END = r"(?=[,.;:()!]|\s(?:to|by|with|and|but|because|since|as|so|at the|for)\s|$)"
_DROPPED = re.compile(
    r"\b(?:instead of|rather than|no longer|used to be|used to|formerly|previously|replaces"
    r"|replaced|replacing|stopped|quit|gave up|dropped|got rid of|retired|abandoned|not|n['’]t)"
    rf"\s+(?P<what>[^,.;:()!]{{1,60}}?){_END}",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"\b(?:from|to|by|with|for|as|at)\b", re.IGNORECASE)
_FROM = re.compile(r"\bfrom\s+(?P<what>[^,.;:()!]{1,60}?)\s+(?:over )?to\b", re.IGNORECASE)
_FRAME = re.compile(
    r"^(?:\s*(?:now|also|always|currently|usually|just|still|only|been|not|up|over|down|back))*\s*"
    r"(?P<word>in|on|at|from|by|with|for|under|behind|near|via|through|of|until|after|before|to)?\b",
    re.IGNORECASE,
)
_MANY = """has have use uses like likes love loves hate hates know knows speak speaks own owns read
    reads play plays support supports accept accepts eat eats host hosts handle handles serve serves
    store stores write writes manage manages lead leads can must should need needs want wants allow
    allows show shows does do meet meets keep keeps drink drinks get gets go goes"""
ADDS = frozenset(_MANY.split())  # verbs of which one subject has many: two values stand together
_START = "start starts begin begins open opens leave leaves depart departs"
_END_OF = "end ends close closes shut shuts arrive arrives return returns"
ENDS = (frozenset(_START.split()), frozenset(_END_OF.split()))  # no two of one moment
ONE = frozenset(["prefer", "prefers", "live", "lives", "reside", "resides", "cost", "costs"])


@dataclass(frozen=True)
class Claim:
    """One sentence, as far as its words show what it says."""

    subject: frozenset[str]  # terms before the verb; empty where there is none
    verb: str  # empty where none was recognised
    frame: str  # the preposition behind the verb
    rest: frozenset[str]  # terms behind the verb, without those of values
    values: Values
    negated: bool
    changed: bool  # it says of itself that something is not as it was
    dropped: frozenset[str]  # what it says holds no more

    @cached_property
    def terms(self) -> frozenset[str]:
        return self.subject | self.rest

    @cached_property
    def said(self) -> frozenset[str]:
        return self.rest | self.values.terms


@lru_cache(maxsize=2_048)
def claims_of(text: str) -> tuple[Claim, ...]:
    """What the sentences of a note claim.

    What is asked, supposed, planned, past or of one moment claims nothing, nor does what speaks of
    nothing by name.
    """
    found = [_LEAD.sub("", part).strip() for part in _ENDS.split(text)]
    if len(found) > SENTENCES:
        return ()
    return tuple(claim for sentence in found if (claim := claim_of(sentence)))


def claim_of(sentence: str) -> Claim | None:
    """What a sentence claims, or None."""
    if not 0 < len(sentence) <= LONGEST or _UNSURE.search(sentence):
        return None
    pivot, turns = pivot_of(sentence)
    changed = turns or bool(_CHANGED.search(sentence))
    if (pivot is None and not changed) or is_passing(sentence, pivot, turns, changed):
        return None
    head, tail = parted(sentence, pivot)
    subject = frozenset(terms_of(plain(head)))
    if not subject and not changed:
        return None
    values = values_of(tail)
    frame = _FRAME.match(tail)
    return Claim(
        subject=subject,
        verb=pivot["verb"].casefold() if pivot else "",
        frame=(frame["word"] or "").casefold() if frame else "",
        rest=frozenset(terms_of(plain(tail))) - values.terms,
        values=values,
        negated=bool(_NOT.search(sentence)),
        changed=changed,
        dropped=dropped_in(sentence, turns=turns),
    )


def pivot_of(sentence: str) -> tuple[re.Match[str] | None, bool]:
    """What stands between whom a sentence speaks of and what it says; whether that is a change."""
    turn = _TURN.search(sentence)
    if turn:
        return turn, True
    states = (found for found in _STATE.finditer(sentence) if terms_of(sentence[: found.start()]))
    state = next(states, None)  # "the support server": what has nothing before it is no verb
    colon = _COLON.search(sentence)
    if colon and colon.start() <= HEAD and not (state and state.start() > colon.start()):
        return colon, False
    return state, False


def is_own_verb(verb: str) -> bool:
    """Whether it says something of its own, other than "is" or a colon."""
    return verb.isalpha() and verb not in ("is", "are")


def parted(sentence: str, pivot: re.Match[str] | None) -> tuple[str, str]:
    """Whom a sentence speaks of, and what it says: "we moved X to Y" speaks of X."""
    if pivot is None:
        return "", sentence
    head, tail = sentence[: pivot.start()], sentence[pivot.end() :]
    if terms_of(plain(head)):
        return head, tail
    about = _ABOUT.search(tail)
    return (tail[: about.start()], tail[about.start() :]) if about else (head, tail)


def dropped_in(sentence: str, *, turns: bool) -> frozenset[str]:
    found = [*_DROPPED.finditer(sentence), *(_FROM.finditer(sentence) if turns else ())]
    return frozenset(term for match in found for term in terms_of(match["what"]))


def is_passing(sentence: str, pivot: re.Match[str] | None, turns: bool, changed: bool) -> bool:
    """Whether it tells of a moment: of something that happened, or is so for once."""
    if _PASSING.search(sentence) and not turns:
        return True
    past = None if changed else _PAST.search(sentence)
    return past is not None and (pivot is None or past.start() < pivot.start())


def plain(text: str) -> str:
    """Without the words that tell of a change: they belong to no subject and no value."""
    return _CHANGED.sub(" ", text)
