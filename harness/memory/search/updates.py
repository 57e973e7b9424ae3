"""Updates: of two notes that say different things of the same, the newer one holds.

The rule, in full. A note is read sentence by sentence as subject, verb, preposition and values
(harness/memory/search/claims.py); what is asked, supposed, planned or of one moment claims nothing.
A newer sentence supersedes an older one when both speak of the same subject (its terms are those
of the other, or all of them with at most two more) and one of these holds:

- it names what holds no more ("no longer X", "instead of X", "from X to Y"), and the older said X;
- one denies what the other says, in the same words;
- both have values of one kind (time, day, price, version, address, number of one unit, name), and
  none in common: behind the same verb, or in the same words, or the newer tells of a change;
- behind the same verb and preposition it says something else of a subject of two words or more,
  and that verb has one value only ("is", "prefers"; not "likes"), or the newer tells of a change.

Two things that happened are no update of each other. Newer means: of a later day, or further down
in the same file of one day; a note without a day is older than one with a day that tells of a
change, and else neither. What was written after a stranger's words never supersedes what was not,
nor one agent's memory another's. The newest note of a subject decides: an older one that agrees
with it stands, whatever was said between. A lesson that says itself by which entry it is denied
(`Contradicted-By`), or that it is superseded, is so without any of this, and stands last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from harness.memory.search.claims import ADDS, ENDS, ONE, Claim, claims_of, is_own_verb
from harness.memory.search.outlived import named, outlived, told_so
from harness.memory.search.units import Hit, Unit
from harness.text.words import similarity

Claimed = tuple[Hit, Sequence[Claim]]
WINDOW = 14  # hits that are compared: what stands further down is told to nobody
MORE = 2  # terms that a subject may have beside those of the other
ALIKE = 0.6  # similarity of sentences in which one denies the other, or a value differs
SHORT = 3  # terms of a value in words
HALF = 0.5  # of what is said to hold no more, how much the older must have said


def told(hits: Sequence[Hit], today: date) -> list[Hit]:
    """The same hits, best first: each that a newer one supersedes names it and stands behind it,
    and those whose day is over stand last."""
    near, far = list(hits[:WINDOW]), list(hits[WINDOW:])
    claimed = [(hit, claims) for hit in near if (claims := claims_of(hit.unit.text))]
    newest = {hit.id: last for hit, claims in claimed if (last := successor(hit, claims, claimed))}
    newest |= named(near)
    return lasting(map(told_so, [*moved(marked(near, newest), newest), *far]), today)


def successor(hit: Hit, claims: Sequence[Claim], among: Sequence[Claimed]) -> Hit | None:
    """The newest hit that speaks of the same as this one, if it says otherwise."""
    later = [
        (other, said)
        for other, said in among
        if any(same_matter(new, old) for new in said for old in claims)
        and may_supersede(other.unit, hit.unit)
        and is_newer(other.unit, hit.unit)
    ]
    if not later:
        return None
    last, said = max(later, key=lambda each: place_in_time(each[0].unit))
    return last if any(says_otherwise(new, old) for new in said for old in claims) else None


def marked(hits: Sequence[Hit], newest: dict[str, Hit]) -> list[Hit]:
    return [
        replace(hit, superseded_by=where(newest[hit.id].unit)) if hit.id in newest else hit
        for hit in hits
    ]


def moved(hits: list[Hit], newest: dict[str, Hit]) -> list[Hit]:
    """With each newer note in the place, and with the score, of the best that it supersedes."""
    order: list[Hit] = []
    by_id = {hit.id: hit for hit in hits}
    for hit in hits:
        for told_now in (newest.get(hit.id), hit):
            if told_now and all(told_now.id != placed.id for placed in order):
                score = max(hit.score, by_id[told_now.id].score)
                order.append(replace(by_id[told_now.id], score=score))
    return order


def lasting(hits: Iterable[Hit], today: date) -> list[Hit]:
    """What holds first, then what says itself that it does not, then what had its day."""

    def is_over(hit: Hit) -> tuple[bool, bool]:
        expires = hit.unit.expires
        return expires is not None and expires < today, outlived(hit.unit) is not None

    return sorted(hits, key=is_over)


def where(unit: Unit) -> str:
    return f"{unit.path}:{unit.line}"


def may_supersede(newer: Unit, older: Unit) -> bool:
    """Whether the one may have a word about the other at all, whatever they say."""
    if newer.agent != older.agent and None not in (newer.agent, older.agent):
        return False
    return "skill" not in (newer.kind, older.kind) and not (newer.outside and not older.outside)


def is_newer(one: Unit, other: Unit) -> bool:
    if one.date is None:
        return False
    if other.date is None:
        return any(claim.changed for claim in claims_of(one.text))
    if one.date != other.date:
        return one.date > other.date
    return one.path == other.path and one.line > other.line


def place_in_time(unit: Unit) -> tuple[int, int]:
    return (unit.date.toordinal() if unit.date else 0, unit.line)


def same_matter(new: Claim, old: Claim) -> bool:
    """Whether the newer sentence has a word about the older one, for it or against it."""
    if new is old or (old.subject or old.terms).isdisjoint(new.subject | new.said):
        return False
    return says_otherwise(new, old) or agrees(new, old)


def agrees(new: Claim, old: Claim) -> bool:
    """Whether the two say the same of the same."""
    if new.negated != old.negated or not same_subject(new, old):
        return False
    ours, theirs = new.values.kinds, old.values.kinds
    shared = ours.keys() & theirs.keys()
    close = shared or similarity(new.terms, old.terms) >= ALIKE
    return bool(close) and all(ours[kind] & theirs[kind] for kind in shared)


def says_otherwise(new: Claim, old: Claim) -> bool:
    """Whether the newer sentence makes the older one untrue."""
    if drops(new, old):
        return True
    same = same_subject(new, old)
    return same and (denies(new, old) or has_other_value(new, old) or differs(new, old))


def same_subject(new: Claim, old: Claim) -> bool:
    if not new.subject or not old.subject:
        shared = new.terms & old.terms
        least = 2 if new.changed else 3
        return len(shared) >= least and len(shared) >= ALIKE * min(len(new.terms), len(old.terms))
    if new.subject == old.subject:
        return True
    few, many = sorted((new.subject, old.subject), key=len)
    within = few <= many or (few < (many | new.rest | old.rest) and bool(few & many))
    return within and new.changed and len(many - few) <= MORE


def drops(new: Claim, old: Claim) -> bool:
    """Whether it names what the older says, of the same, as what holds no more."""
    if not new.dropped or old.negated:
        return False
    gone = new.dropped - old.subject
    if not gone or len(gone & old.said) < HALF * len(gone):
        return False
    about = (new.subject | new.said) - gone
    return len(about & old.subject) >= max(1.0, HALF * len(old.subject))


def denies(new: Claim, old: Claim) -> bool:
    if new.negated == old.negated:
        return False
    return new.said == old.said or similarity(new.said, old.said) >= ALIKE


def has_other_value(new: Claim, old: Claim) -> bool:
    """Whether both have values of one kind, and none in common."""
    if new.negated or old.negated:
        return False
    theirs = old.values.kinds
    ours = new.values.without(new.dropped).kinds
    other = {kind for kind in ours.keys() & theirs.keys() if not ours[kind] & theirs[kind]}
    if not other:
        return False
    if new.verb and new.verb == old.verb and new.frame == old.frame and alike(new.rest, old.rest):
        return not is_many(new, other)
    if not of_one_kind(new, old):
        return False
    return new.changed or similarity(new.terms, old.terms) >= ALIKE


def of_one_kind(new: Claim, old: Claim) -> bool:
    """Whether the two verbs may tell of one thing: a job that starts at six may end at eight."""
    if new.verb == old.verb:
        return True
    if any(new.verb in one and old.verb in other for one, other in (ENDS, ENDS[::-1])):
        return False
    return new.changed or not (is_own_verb(new.verb) and is_own_verb(old.verb))


def is_many(new: Claim, kinds: set[str]) -> bool:
    """Whether two values may stand side by side."""
    lone = len(new.subject) < 2 and new.frame == "" and new.verb not in ONE
    many = new.verb in ADDS or new.frame == "with" or lone
    return kinds == {"name"} and many and not new.changed


def differs(new: Claim, old: Claim) -> bool:
    """Whether it says something else, in words, of what can be only one thing."""
    if new.verb != old.verb or new.frame != old.frame or new.negated or old.negated:
        return False
    if new.values.of or old.values.of or not new.rest or not old.rest or new.rest & old.rest:
        return False
    short = max(len(new.rest), len(old.rest)) <= SHORT
    one = new.verb in ONE or (len(new.subject) > 1 and new.verb not in ADDS)
    return short and (one or new.changed)


def alike(left: frozenset[str], right: frozenset[str]) -> bool:
    return left == right or bool(left & right) or not left or not right
