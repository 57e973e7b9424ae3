"""What makes room in a MEMORY.md: never a person's line, never more than a quarter at once."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from harness.memory.rules.fitting import Fitted, fitted, tokens_of
from harness.memory.rules.lines import Line, Rule, parse, render
from harness.memory.rules.patches import applied

TODAY = date(2026, 11, 18)
NAMES = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]


def rule(number: int, *, text: str = "", days: int = 0, more: str = "") -> Rule:
    name = NAMES[number % len(NAMES)]
    return Rule(
        id=f"{number:026d}",
        text=text or f"When calling {name}, send the schema {name}{number} to {name}_{number}.",
        entries=(f"ERR-20261101-{number:03d}",),
        count=3,
        tasks=2,
        first=date(2026, 11, 1),
        last=TODAY - timedelta(days=days),
        promoted=date(2026, 11, 3),
        more=more,
    )


def page(*rules: Rule, own: str = "- Mine.\n") -> list[Line]:
    return parse(f"# Memory\n\n{own}\n## Learned\n\n" + "".join(f"{r.line()}\n" for r in rules))


def after(lines: list[Line], plan: Fitted) -> list[Line]:
    text = render(lines)
    for patch in sorted(plan.patches(lines), key=lambda one: -one.line):
        text = applied(text, patch)
    return parse(text)


def test_a_file_that_fits_is_left_alone() -> None:
    lines = page(*(rule(n) for n in range(8)))

    assert fitted(lines, 10_000, TODAY).is_empty


def test_the_oldest_go_first_and_those_that_do_not_help_before_them() -> None:
    lines = page(*(rule(n, days=n) for n in range(9)))
    limit = tokens_of(lines) - 100

    plan = fitted(lines, limit, TODAY, useless={f"{2:026d}"})

    assert [each.name for each in plan.going] == [f"{2:026d}", f"{8:026d}"]
    assert [each.why for each in plan.going] == ["does not help", "last seen 2026-11-10"]


def foreign(number: int, more: str = "") -> str:
    return f"- Note {number} of another program. <!-- trigger: x importance: 0.4 -->{more}\n"


def test_what_other_programs_promoted_goes_before_any_rule_from_the_top() -> None:
    theirs = "".join(f"{foreign(n)}  Source: memory/2026-10-01.md#L{n}\n" for n in range(8))
    head = "## Promoted From Short-Term Memory (2026-10-01)\n\n"
    lines = page(*(rule(n) for n in range(4)), own=f"- Mine.\n\n{head}{theirs}")

    plan = fitted(lines, 10, TODAY, useless={f"{2:026d}"})

    assert [each.says for each in plan.going] == [f"Note {n} of another program." for n in range(3)]
    kept = render(after(lines, plan))
    assert "#L2" not in kept
    assert kept.count("#L") == 5
    assert kept.count("rule 0000") == 4


def test_an_expired_note_of_another_program_goes_and_a_persons_stays() -> None:
    passed = " <!-- expires: 2026-11-17 -->"
    own = f"- Mine.{passed}\n{foreign(1, passed)}{foreign(2)}"
    lines = page(*(rule(n) for n in range(4)), own=own)

    (going,) = fitted(lines, 10_000, TODAY).going

    assert (going.name, going.why) == ("line 4", "expired 2026-11-17")


def test_an_expired_rule_goes_from_a_file_that_fits() -> None:
    lines = page(
        *(rule(n) for n in range(7)),
        rule(8, more=" <!-- expires: 2026-11-17 -->"),
        rule(9, more=" <!-- expires: 2026-11-18 -->"),
    )

    (going,) = fitted(lines, 10_000, TODAY).going

    assert (going.name, going.why) == (f"{8:026d}", "expired 2026-11-17")


def test_two_rules_that_say_the_same_become_one_with_the_entries_of_both() -> None:
    twice = "When a feed times out, use its cached copy."
    lines = page(*(rule(n) for n in range(6)), rule(7, text=twice), rule(8, text=twice, days=3))

    kept = after(lines, fitted(lines, 10_000, TODAY))

    (joined,) = [line.rule for line in kept if line.rule and line.rule.text == twice]
    assert joined.entries == ("ERR-20261101-007", "ERR-20261101-008")
    assert (joined.count, joined.last) == (6, TODAY)


def test_shorter_words_come_before_any_rule_goes() -> None:
    lines = page(*(rule(n) for n in range(8)))
    number = next(line.number for line in lines if line.rule)

    plan = fitted(lines, tokens_of(lines) - 2, TODAY, shorter={number: "When calling, send it."})

    assert plan.going == ()
    first = next(line.rule.text for line in after(lines, plan) if line.rule)
    assert first == "When calling, send it."


ROWS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 30), st.booleans()),
    max_size=30,
    unique_by=lambda r: r[0],
)


@given(ROWS, st.integers(0, 12), st.integers(0, 3000))
def test_no_plan_touches_a_persons_line_or_takes_more_than_a_quarter(
    rows: list[tuple[int, int, bool]], own: int, limit: int
) -> None:
    rules = [
        rule(n, days=d, more=" <!-- expires: 2026-11-01 -->" if expired else "")
        for n, d, expired in rows
    ]
    mine = "".join(f"- My line {number}.\n{foreign(number)}" for number in range(own))
    lines = page(*rules, own=mine)

    plan = fitted(lines, limit, TODAY)

    kept = after(lines, plan)
    assert [line.text for line in kept if line.hand_written] == [
        line.text for line in lines if line.hand_written
    ]
    assert len(plan.going) * 4 <= sum(line.item for line in lines)
    assert len({each.name for each in plan.going}) == len(plan.going)
    assert tokens_of(kept) <= max(limit, tokens_of(lines))
