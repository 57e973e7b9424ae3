"""The verdict on one action: done, asked about, or not done. Pure: the same in, the same out.

The order is the point. What is never done comes first and no rule or mode reaches it; then
whoever denies; then what a session that has read a stranger's words may not do alone; only then
what is allowed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from harness.config.rules import Rule
from harness.permission.action import Action
from harness.permission.commands import covers, study
from harness.permission.globs import path_fits, text_fits
from harness.permission.policy import Mode, Policy
from harness.permission.shell import Simple
from harness.permission.taint import VISITS, Taint
from harness.text.urls import host_of, site_of
from harness.text.words import a_few

HOUSE = "harness"  # the command line of this program
READ, WRITE = "read", "write"


class Decision(StrEnum):
    """What becomes of an action."""

    ALLOW = "allow"  # it is done
    ASK = "ask"  # a person decides
    DENY = "deny"  # it is not done


@dataclass(frozen=True)
class Verdict:
    """A decision, and why, in words that a person and a model can act on."""

    decision: Decision
    reason: str


def judge(action: Action, policy: Policy, taint: Taint) -> Verdict:
    """What becomes of an action of a session that has read what `taint` knows."""
    if reason := forbidden(action, policy):
        return Verdict(Decision.DENY, reason)
    if rule := first(policy.deny, action):
        return Verdict(Decision.DENY, f"the rule `{rule}` forbids it")
    if policy.mode is Mode.PLAN and (reason := not_in_plan(action)):
        return Verdict(Decision.DENY, reason)
    if reason := too_risky(action, policy, taint):
        return unattended(Verdict(Decision.ASK, reason), policy)
    if rule := first(policy.ask, action):
        asked = Verdict(Decision.ASK, f"the rule `{rule}` wants it asked about")
        return unattended(asked, policy)
    if is_routine(action, policy):
        return Verdict(Decision.ALLOW, "ordinary work")
    if allowed(action, policy.allow):
        return Verdict(Decision.ALLOW, "a rule allows it")
    if policy.mode is Mode.BYPASS:
        return Verdict(Decision.ALLOW, "the profile's mode is bypass")
    return unattended(Verdict(Decision.ASK, f"no rule allows {told(action)}"), policy)


def unattended(verdict: Verdict, policy: Policy) -> Verdict:
    """An agent that does not ask does without."""
    if policy.mode is not Mode.DONT_ASK:
        return verdict
    return Verdict(Decision.DENY, f"{verdict.reason}, and the profile's mode is dont_ask")


def forbidden(action: Action, policy: Policy) -> str | None:
    """What is never done, whatever the rules say."""
    if any(PurePosixPath(command.name).name == HOUSE for command in commands_of(action)):
        return "`harness` gives orders in a person's name: an agent does not"
    for path in action.reads:
        if reason := policy.places.hidden(path):
            return f"`{path}` is not read: {reason}"
    for path in action.writes:
        if reason := policy.places.guarded(path):
            return f"`{path}` is not written: {reason}"
    return None


def not_in_plan(action: Action) -> str | None:
    looks = only_reads(action) if action.script else action.routine and not action.changes
    if not looks:
        return "the profile's mode is plan: say what you would do instead of doing it"
    return None


def too_risky(action: Action, policy: Policy, taint: Taint) -> str | None:
    """Why a session that has read a stranger's words may not do this without a person."""
    if not taint.tainted:
        return None
    whose = f"this session has read words from {a_few(taint.sources, 3)}"
    if reason := way_out(action, policy, taint):
        return f"{whose}, and {reason}"
    if action.script is not None and not only_reads(action):
        return f"{whose}, and a command could do anything with them"
    if action.changes and not action.inherits and not allowed(action, policy.allow):
        return f"{whose}, and what it changes outlives it"
    if bare := next((path for path in action.writes if not path.endswith(".md")), None):
        return f"{whose}, and `{bare}` cannot carry their mark; a page that ends with .md can"
    return None


def way_out(action: Action, policy: Policy, taint: Taint) -> str | None:
    """How the action could carry something of ours out of the house."""
    if not action.sends_out:
        return None
    asked = taint.visits + Counter(map(site_of, action.urls))
    for url in action.urls:
        if taint.knows(url):
            if asked[site_of(url)] > VISITS and not trusted(url, action, policy):
                return f"{site_of(url)} would be asked more than {VISITS} times"
        elif not trusted(url, action, policy):
            return f"the address {url} stood in nothing that it read"
        elif carried := taint.carries(url):
            return f"the address {url} carries {carried}"
    if carried := taint.carries(action.sends):
        return f"what it sends carries {carried}"
    return None


def trusted(url: str, action: Action, policy: Policy) -> bool:
    """Whether a person's rule names the host of an address."""
    return any(
        rule.tool == action.tool and rule.domain and host_fits(url, rule.domain)
        for rule in policy.allow
    )


def is_routine(action: Action, policy: Policy) -> bool:
    """What the agent's mode lets it do without a rule."""
    if action.script is not None:
        return only_reads(action)
    if policy.mode is Mode.ACCEPT_EDITS and action.writes:
        return True
    return action.routine


def only_reads(action: Action) -> bool:
    """Whether every command is one that is known to change nothing."""
    return all(study(command).reads_only for command in commands_of(action))


def first(rules: Iterable[Rule], action: Action) -> Rule | None:
    """The first rule that speaks of the action, or of any part of it."""
    found = [*parts(action), *named(action)]
    speaks = (rule for rule in rules for part in found if mentions(rule, part, action))
    return next(speaks, None)


def allowed(action: Action, rules: Iterable[Rule]) -> bool:
    """Whether the rules together allow every part of the action."""
    known = list(rules)
    return all(
        any(fits(rule, part, action) for rule in known)
        or (isinstance(part, Simple) and study(part).reads_only)
        for part in parts(action)
    )


Part = Simple | tuple[str, str]  # a command; or READ, WRITE, "url", "about" with what it is


def parts(action: Action) -> Iterator[Part]:
    """What of an action must each be allowed by itself; at least one."""
    if action.script is not None:
        yield from commands_of(action)
        return
    found = [
        *((READ, path) for path in action.reads),
        *((WRITE, path) for path in action.writes),
        *(("url", url) for url in action.urls),
    ]
    yield from found or [("about", action.about)]


def named(action: Action) -> Iterator[Part]:
    """The files that commands name: nobody is allowed a command for their sake, yet whoever
    forbids a file means it for commands, too."""
    if action.script is not None:
        yield from ((READ, path) for path in action.reads)
        yield from ((WRITE, path) for path in action.writes)


def fits(rule: Rule, part: Part, action: Action) -> bool:
    """Whether a rule speaks of a part of an action."""
    if isinstance(part, Simple):
        return rule.tool == action.tool and (rule.pattern is None or covers(rule.pattern, part))
    kind, value = part
    if rule.tool not in {action.tool, kind}:
        return False
    if rule.pattern is None:
        return True
    match kind:
        case "url":
            return rule.domain is not None and host_fits(value, rule.domain)
        case "about":
            return text_fits(rule.pattern, value)
        case _:
            return path_fits(rule.pattern, value)


def mentions(rule: Rule, part: Part, action: Action) -> bool:
    """Whether a rule that forbids or asks speaks of a part; it need not be safe to allow."""
    if isinstance(part, Simple) and rule.pattern is not None:
        return rule.tool == action.tool and begins_with(part, rule.pattern)
    if action.script is not None and rule.tool == action.tool and rule.pattern is not None:
        return False  # it speaks of commands, and this is a file
    return fits(rule, part, action)


def begins_with(command: Simple, pattern: str) -> bool:
    """Whether a command's words begin with those of a pattern, wherever its program lies, and
    whatever options and their values stand between them: `git -P push` is a `git push`."""
    wanted = pattern.removesuffix(":*").split()
    program, *rest = command.argv
    option = False
    for word in (PurePosixPath(program).name, *rest):
        if wanted and word == wanted[0]:
            wanted.pop(0)
        elif not (option or word.startswith("-")):
            break
        option = word.startswith("-")
    return not wanted


def host_fits(url: str, domain: str) -> bool:
    """A domain means its host and every host below it."""
    host = host_of(url)
    return host == domain or host.endswith(f".{domain}")


def commands_of(action: Action) -> Iterator[Simple]:
    """Every command of an action, and those that they run in their turn."""
    waiting = list(action.script.commands) if action.script is not None else []
    while waiting:
        command = waiting.pop(0)
        yield command
        waiting += study(command).inner


def told(action: Action) -> str:
    """The action in few words."""
    if action.script is not None:
        return "this command"
    if action.writes:
        return f"writing `{action.writes[0]}`"
    return f"`{action.tool}` this"
