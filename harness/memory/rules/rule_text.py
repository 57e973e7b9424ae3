"""The words of a rule: made without a model, and checked whoever made them.

A rule is one sentence, "When <trigger>, <action>.", and says nothing that its evidence does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from harness.memory.contradiction import contradicts
from harness.memory.learning import Kind, Learning
from harness.memory.rules.imperatives import FREE, VERBS
from harness.memory.terms import is_strict, key_terms, stem
from harness.text.invisible import visible
from harness.text.secrets import Redactor
from harness.text.sentences import sentences
from harness.text.words import STOP_WORDS, a_few, clip, words

LONGEST = 240  # characters
LONGEST_NAME = 60  # of what a trigger is about
LEAST = 3  # key terms of what is worth remembering
KNOWN = 4_096  # entries whose words are kept: each is held against all others
CATEGORIES = ("correction", "insight", "knowledge gap", "best practice")  # of LRN, no subjects
TRIGGERS = "when(?:ever)?|if|before|after|for|while|once|in|on|with|unless|until"
_TRIGGER = re.compile(rf"(?:{TRIGGERS})\b[^,:]*\w[^,:]*[,:]\s+(?=\S)", re.IGNORECASE)
_LEAD = re.compile(r"(?:(?:please|always|never|first|then|only|do not|don['’]t|also)\s+)+", re.I)
_ORDER = re.compile(rf"(?:{_LEAD.pattern})?(?:{'|'.join(sorted(VERBS, reverse=True))})\b", re.I)
_DID_YOU_MEAN = re.compile(r"\bdid you mean:?\s+['\"`“‘]?(?P<right>\w[\w.-]*\w)", re.IGNORECASE)
_NAME = re.compile(r"[`'\"“‘]([\w.-]*\w)[`'\"”’]")
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://|\bwww\.|\bmailto:", re.IGNORECASE)
_STRUCTURE = re.compile(
    r"(?:^|\s)\\?#{1,6}\s|^\s*\\?(?:#|[-*+>|]\s|\d+[.)]\s|-{3,}|={3,})|```|~~~|\]\(|\]\[|!\[|\|.*\|"
)
_TAG = re.compile(r"<[A-Za-z/!?]|-->")
_LOOSE = re.compile(r"[^\s,;:()\[\]{}\"'`“”‘’]+")
_FORBIDDEN = (
    re.compile(
        r"\b(?:ignore|disregard|forget|override|overrule|bypass|circumvent|disable|skip|drop)\b"
        r"[^.]{0,40}\b(?:rules?|instructions?|prompts?|protocol|profile|polic(?:y|ies)|guards?"
        r"|guardrails?|permissions?|approvals?|hooks?|safety|constraints?|memory|orders?)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:reveal|print|show|leak|send|share|post|tell|include|expose|upload|forward|email|quote"
        r"|repeat|paste|exfiltrate|output)\b[^.]{0,40}\b(?:secrets?|passwords?|tokens?|credentials?"
        r"|api.?keys?|private keys?|system prompt|instructions|prompt)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\byou are now\b|\bsystem prompt\b|\bpretend\b|\bwithout (?:asking|approval|permission"
        r"|confirmation|telling)\b|\b(?:do not|don['’]t|never) (?:tell|inform|ask|mention|warn)\b",
        re.IGNORECASE,
    ),
)


@lru_cache(maxsize=KNOWN)
def worded(learning: Learning) -> str:
    """The rule of an entry without a model: from its fix, else from its summary.

    Empty when the entry says nothing that could be a rule. What comes out is checked like
    everything else: `unfit` tells what is wrong with it.
    """
    said = _plain(learning.fix) or _meant(learning) or _plain(learning.summary)
    if not said:
        return ""
    if _has_form(said):
        return _sentence(said)
    if _ORDER.match(said):
        return _sentence(f"When {_trigger(learning)}, {_small(said)}")
    if len(key_terms(said)) < LEAST:
        return ""
    return _sentence(f"When {_trigger(learning)}, remember: {said}")


def faults_of(text: str, evidence: str) -> list[str]:
    """What keeps a text from being a rule of this evidence, in words; empty: nothing does."""
    faults = [*_faults_of_form(text), *unsafe(text)]
    new = claimed(text, evidence)
    if new:
        faults.append(f"says what the evidence does not: {a_few(new, 6)}")
    return faults


def unfit(text: str, learnings: Sequence[Learning]) -> list[str]:
    """As `faults_of`, for the entries that the rule rests on; and it must not turn their fixes
    round."""
    turned = [one.id for one in learnings if contradicts(text, _plain(one.fix))]
    faults = faults_of(text, evidence_of(learnings))
    return faults + [f"says the opposite of what {', '.join(turned)} suggests"] * bool(turned)


def evidence_of(learnings: Iterable[Learning]) -> str:
    """What the entries say, all but those in quarantine: their words are no evidence."""
    return "\n".join(
        "\n".join((one.title, one.pattern_key, one.summary, one.fix, one.evidence))
        for one in learnings
        if not one.quarantine
    )


def unsafe(text: str) -> list[str]:
    """What no line of a memory may hold that the house writes, in words."""
    checks = {
        "holds characters that nobody sees": visible(text) != text,
        "holds an address": bool(_ADDRESS.search(text)),
        "holds Markdown structure": bool(_STRUCTURE.search(text)),
        "holds a tag or a comment": bool(_TAG.search(text)),
        "holds a secret": Redactor().text(text) != text,
        "orders to set rules aside, to hide or to tell something": _is_order(text),
    }
    return [fault for fault, found in checks.items() if found]


def claimed(text: str, evidence: str) -> list[str]:
    """The terms of `text` that `evidence` does not have.

    Words are compared by their stems; numbers and names (BUY_AMT, 1.5, webFetch) by every letter.
    """
    known = key_terms(evidence) | _parts(evidence)
    names = [token for token in _tokens(text) if is_strict(token)]
    new = [token for token in names if not _stands_in(token, evidence)]
    covered = {word for token in names for word in words(token)}
    new += [
        word
        for word in words(text)
        if word not in covered and word not in STOP_WORDS and stem(word) not in known | FREE
    ]
    return list(dict.fromkeys(new))


def _faults_of_form(text: str) -> list[str]:
    checks = {
        f"is {len(text)} characters long: at most {LONGEST}": len(text) > LONGEST,
        "is more than one line": "\n" in text or "\r" in text,
        "is empty": not text.strip(),
        'names no trigger: begin with "When ..., "': not _TRIGGER.match(text),
        'names no action: go on with what to do, such as "use ..."': not _has_action(text),
    }
    return [fault for fault, found in checks.items() if found]


def _has_form(text: str) -> bool:
    return bool(_TRIGGER.match(text)) and _has_action(text)


def _has_action(text: str) -> bool:
    """Whether an order follows: behind the trigger, or behind a later comma of it."""
    trigger = _TRIGGER.match(text)
    rest = text[trigger.end() :] if trigger else text
    return any(_ORDER.match(clause) for clause in re.split(r"[,:;]\s+", rest))


def _meant(learning: Learning) -> str:
    """What a tool that was called with a wrong name suggested itself."""
    for text in (learning.summary, learning.evidence):
        found = _DID_YOU_MEAN.search(text)
        if found:
            before = text[max(0, found.start() - 200) : found.start()]
            names = _NAME.findall(before) or [one for one in _tokens(before) if is_strict(one)]
            return f"use {found['right']}" + (f" instead of {names[-1]}" if names else "")
    return ""


def _trigger(learning: Learning) -> str:
    if learning.kind is Kind.ERROR and learning.title:
        return f"calling {clip(_plain(learning.title), LONGEST_NAME)}"
    about = re.sub(r"[._-]+", " ", learning.pattern_key or _plain(learning.title)).strip()
    if not about or about.lower() in CATEGORIES:
        return "working"
    return f"working with {clip(about, LONGEST_NAME)}"


def _plain(text: str) -> str:
    """The first paragraph in one line, without what a list item or quotation begins with."""
    first = re.split(r"\n\s*\n", visible(text).strip())[0]
    return re.sub(r"^(?:[-*+>]\s+|\d+[.)]\s+)+", "", " ".join(first.split())).strip()


def _sentence(text: str) -> str:
    """The text as one sentence; of one that is too long, what its first sentence says."""
    whole = text.strip() if len(text.strip()) < LONGEST else sentences(text)[0]
    short = clip(whole, LONGEST - 1).rstrip(" .")
    return short if short.endswith(("…", "!", "?")) else f"{short}."


def _small(text: str) -> str:
    """With a small first letter, unless it begins a name."""
    return text if is_strict(text.split()[0]) else text[0].lower() + text[1:]


def _is_order(text: str) -> bool:
    return any(pattern.search(text) for pattern in _FORBIDDEN)


def _tokens(text: str) -> list[str]:
    return [token.strip(".!?…*") for token in _LOOSE.findall(text) if token.strip(".!?…*")]


def _stands_in(token: str, evidence: str) -> bool:
    whole = rf"(?<!\w)(?<!\d[.,]){re.escape(token)}(?!\w)(?![.,]\d)"
    return re.search(whole, evidence) is not None


def _parts(evidence: str) -> frozenset[str]:
    """The words within the names of the evidence: `field_name` speaks of fields and of names."""
    return key_terms(re.sub(r"[._/-]+|(?<=[a-z])(?=[A-Z])", " ", evidence))
