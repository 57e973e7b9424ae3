"""Rules as people write them: those that would do nothing are faults in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.document import Document
from harness.config.rules import Rules, faults_of
from harness.tools.catalogue import KNOWN


def faults(kind: str, rule: str) -> list[str]:
    document = Document.parse(f"{kind}: ['{rule}']\n", Path("harness.yaml"))
    rules = Rules.model_validate(document.data)
    return [problem.message for problem in faults_of(document, (), rules, KNOWN)]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("web_fetch(ads.example)", "needs a host"),
        ("verify_url(https://ads.example/**)", "needs a host"),
        ("read(/etc/passwd)", "within the home"),
        ("write(~/notes)", "within the home"),
        ("read(../other/**)", "within the home"),
        ("run(rm *)", "word by word"),
        ('run("git push":*)', "word by word"),
    ],
)
def test_a_rule_that_forbids_nothing_is_a_fault(rule: str, why: str) -> None:
    (message,) = faults("deny", rule)

    assert f"`{rule}` speaks of nothing: " in message
    assert why in message


@pytest.mark.parametrize(
    "rule",
    ["web_fetch( domain:ads.example )", "read( notes/** )", "run(git push:* )", "run(rm)", "learn"],
)
def test_a_rule_that_forbids_something_is_none(rule: str) -> None:
    assert faults("deny", rule) == []


def test_what_is_allowed_may_be_quoted_as_in_a_shell() -> None:
    assert faults("allow", 'run(git commit -m "a b")') == []
