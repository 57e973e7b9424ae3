from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config.settings import Promotion
from harness.memory.contradiction import claim_of
from harness.memory.learning import Kind, Learning, Source, Verification
from harness.memory.rules.gate import Candidacy, Undone, judge
from harness.memory.rules.lines import parse
from harness.memory.rules.rule_text import worded
from tests.memory.learned import NOW, TODAY, lesson

WANTED = Promotion()


def judged(learning: Learning, *others: Learning, memory: str = "") -> Candidacy:
    return judge(learning, others, WANTED, NOW, parse(memory))


def seen_on(*days: date, tasks: int = 9) -> Learning:
    marks = tuple(Verification(day, f"t{n % tasks}", Source.TOOL) for n, day in enumerate(days))
    names = tuple(dict.fromkeys(mark.task for mark in marks))
    return lesson(verifications=marks, tasks=names, count=len(days), last_seen=max(days))


def foreign(**changes: object) -> Learning:
    return lesson(**{"verifications": (), "tasks": ("a", "b"), **changes})


def test_three_times_in_two_tasks_within_thirty_days_is_a_rule() -> None:
    candidacy = judged(lesson())

    assert candidacy.ready
    assert candidacy.lacking == ()
    assert "seen 3 times" in candidacy.reasons
    assert "in 3 tasks" in candidacy.reasons


def test_every_condition_is_told_also_when_nothing_is_lacking() -> None:
    ready, not_yet = judged(lesson()), judged(lesson(quarantine=("evil.example",), count=1))

    assert len(ready.reasons) == len(not_yet.reasons) == 8


def test_a_single_observation_is_observed_further() -> None:
    candidacy = judged(seen_on(TODAY))

    assert not candidacy.ready
    assert candidacy.lacking == ("seen 1 of 3 times", "in 1 of 2 tasks")


def test_one_task_that_shows_it_by_three_sources_is_one_task() -> None:
    marks = tuple(
        Verification(TODAY, "t1", source) for source in (Source.TOOL, Source.REPAIR, Source.AGENT)
    )

    candidacy = judged(lesson(verifications=marks, tasks=("t1",)))

    assert candidacy.lacking == ("in 1 of 2 tasks",)


def test_the_same_task_and_source_twice_counts_once() -> None:
    twice = (Verification(TODAY, "t1", Source.TOOL),) * 3

    assert "seen 1 of 3 times" in judged(lesson(verifications=twice, count=3)).lacking


def test_what_was_seen_before_the_window_does_not_count() -> None:
    old = TODAY - timedelta(days=31)
    learning = replace(seen_on(old, old, TODAY), first_seen=old)

    assert "seen 1 of 3 times" in judged(learning).lacking


def test_what_is_dated_tomorrow_does_not_count_today() -> None:
    later = TODAY + timedelta(days=1)

    assert "seen 0 of 3 times" in judged(seen_on(later, later, later)).lacking


def test_an_old_lesson_is_told_as_old() -> None:
    learning = foreign(first_seen=date(2026, 9, 1), last_seen=date(2026, 10, 1))

    assert "last 2026-10-01, more than 30 days ago" in judged(learning).lacking


def test_a_file_of_others_counts_by_its_own_fields_and_says_so() -> None:
    candidacy = judged(foreign(count=4))

    assert candidacy.ready
    assert "seen 4 times by its Recurrence-Count" in candidacy.reasons


def test_a_count_that_may_be_older_than_the_window_does_not_count() -> None:
    learning = foreign(count=9, first_seen=TODAY - timedelta(days=60), last_seen=TODAY)

    assert "seen 0 of 3 times" in judged(learning).lacking


def test_an_entry_without_dates_says_that_it_has_none() -> None:
    learning = foreign(first_seen=None, last_seen=None)

    assert "no day of when it was last seen" in judged(learning).lacking


def test_what_is_dated_and_what_is_not_add_up() -> None:
    marks = (Verification(TODAY, "t9", Source.TOOL),)
    learning = lesson(verifications=marks, count=3, tasks=("t1", "t9"))

    candidacy = judged(learning)

    assert candidacy.ready
    assert "in 2 tasks" in candidacy.reasons


@pytest.mark.parametrize("status", ["promoted", "wont_fix", "resolved", "parked by Bob", ""])
def test_only_open_entries_become_rules(status: str) -> None:
    assert judged(lesson(status=status)).lacking == (f"status {status or 'unknown'}",)


def test_an_entry_in_quarantine_is_none_however_often_it_was_seen() -> None:
    candidacy = judged(lesson(quarantine=("evil.example",)))

    assert candidacy.lacking == ("in quarantine, after reading evil.example",)


def test_a_contradicted_entry_waits() -> None:
    candidacy = judged(lesson(contradicted_by="ERR-20261117-002"))

    assert candidacy.lacking == ("contradicted by ERR-20261117-002",)


def test_a_stranger_cannot_contradict() -> None:
    stranger = lesson(id="ERR-20261117-002", quarantine=("evil.example",), fix=TURNED)

    assert judged(lesson(contradicted_by=stranger.id), stranger).ready


TURNED = "Use BUY_AMT instead of BILLBOARD_BUY_AMT."


def test_a_newer_entry_that_says_otherwise_is_in_the_way() -> None:
    newer = lesson(id="ERR-20261118-002", fix=TURNED)

    assert judged(lesson(), newer).lacking == ("ERR-20261118-002 says otherwise, and is not older",)


def test_an_older_entry_that_says_otherwise_is_not() -> None:
    older = lesson(id="ERR-20261101-002", fix=TURNED, last_seen=date(2026, 11, 1))

    assert judged(lesson(), older).ready


def test_a_settled_entry_has_no_say() -> None:
    settled = lesson(id="ERR-20261118-002", fix=TURNED, status="superseded")

    assert judged(lesson(), settled).ready


def test_a_hand_written_line_that_says_otherwise_is_in_the_way() -> None:
    memory = f"# Me\n\n- {TURNED}\n"

    assert judged(lesson(), memory=memory).lacking == ("line 3 of MEMORY.md says otherwise",)


def test_a_sentence_by_hand_counts_as_a_list_item_does() -> None:
    memory = f"# Me\n{TURNED}\n"

    assert judged(lesson(), memory=memory).lacking == ("line 2 of MEMORY.md says otherwise",)


def test_what_a_person_wrote_already_is_not_learned_again() -> None:
    memory = "- When you call query, use BILLBOARD_BUY_AMT instead of BUY_AMT\n"

    assert judged(lesson(), memory=memory).lacking == ("line 1 of MEMORY.md says so already",)


def test_a_lesson_that_says_nothing_is_no_rule() -> None:
    empty = lesson(fix="", summary="timed out", evidence="", kind=Kind.ERROR)

    assert judged(empty).lacking == ("says nothing that could be a rule",)


def test_what_was_taken_back_needs_new_evidence() -> None:
    undone = {lesson().id: Undone(TODAY, 3)}
    later = NOW + timedelta(days=4)
    days = [TODAY + timedelta(days=n) for n in (1, 2, 3)]

    same = judge(lesson(), (), WANTED, later, undone=undone)
    again = judge(seen_on(TODAY, *days), (), WANTED, later, undone=undone)

    assert same.lacking == (
        "seen 0 of 3 times since it was taken back on 2026-11-18",
        "in 0 of 2 tasks",
    )
    assert again.ready


def test_an_entry_of_others_that_was_taken_back_needs_a_higher_count() -> None:
    undone = {lesson().id: Undone(TODAY - timedelta(days=3), 4)}

    def of(count: int) -> Candidacy:
        return judge(foreign(count=count), (), WANTED, NOW, undone=undone)

    assert not of(4).ready
    assert not of(6).ready
    assert of(7).ready


@given(
    st.lists(
        st.tuples(st.integers(-40, 3), st.integers(0, 4), st.sampled_from(Source)), max_size=12
    ),
    st.tuples(st.integers(-5, 5), st.integers(5, 9), st.sampled_from(Source)),
)
def test_one_more_sighting_never_makes_a_lesson_less_ready(
    marks: list[tuple[int, int, Source]], more: tuple[int, int, Source]
) -> None:
    def with_marks(all_of_them: list[tuple[int, int, Source]]) -> Learning:
        kept = tuple(
            Verification(TODAY + timedelta(days=day), f"t{task}", source)
            for day, task, source in dict.fromkeys(all_of_them)
        )
        return lesson(
            verifications=kept,
            count=len(kept),
            tasks=tuple({mark.task for mark in kept}),
            last_seen=max((mark.day for mark in kept), default=TODAY),
        )

    before, after = judged(with_marks(marks)), judged(with_marks([*marks, more]))

    assert after.ready or not before.ready


def test_each_lesson_is_read_once_however_many_it_is_held_against() -> None:
    places = [f"{one}{two}harbour" for one in "abcdefg" for two in "hijklmno"]
    many = [
        lesson(id=f"ERR-{place}", summary=f"No {place}.", fix=f"Ask {place} for its tide.")
        for place in places
    ]
    read, said = claim_of.cache_info().misses, worded.cache_info().misses

    for one in many:
        judged(one, *many)

    assert claim_of.cache_info().misses - read <= 2 * len(many)
    assert worded.cache_info().misses - said == len(many)
