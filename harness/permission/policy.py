"""What an agent may do: its mode, the rules of the home and its own, and where it may not go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from harness.config.rules import Rule, Rules
from harness.permission.places import Places


class Mode(StrEnum):
    """How far an agent goes by itself where no rule says otherwise."""

    PLAN = "plan"  # it looks and proposes, and changes nothing
    DEFAULT = "default"  # the ordinary work of the house; all else is asked about
    ACCEPT_EDITS = "accept_edits"  # as default, and files of the workspace are written
    DONT_ASK = "dont_ask"  # as default, and what would be asked about is not done
    BYPASS = "bypass"  # what would be asked about is done; what is never done stays so


def read_by_name(rules: Iterable[Rules]) -> tuple[str, ...]:
    """Patterns of files that searches pass by: only of a file that is named can a rule speak."""
    speaks = (rule for each in rules for rule in (*each.deny, *each.ask))
    return tuple(rule.pattern for rule in speaks if rule.tool == "read" and rule.pattern)


@dataclass(frozen=True)
class Policy:
    """The rules that hold for one session."""

    places: Places
    mode: Mode = Mode.DEFAULT
    allow: tuple[Rule, ...] = ()
    ask: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()

    @classmethod
    def of(cls, mode: str, places: Places, rules: Iterable[Rules]) -> Policy:
        """The rules of the home and of a profile together: who denies wins, whoever it is."""
        all_rules = list(rules)
        return cls(
            places=places,
            mode=Mode(mode),
            allow=tuple(rule for each in all_rules for rule in each.allow),
            ask=tuple(rule for each in all_rules for rule in each.ask),
            deny=tuple(rule for each in all_rules for rule in each.deny),
        )
