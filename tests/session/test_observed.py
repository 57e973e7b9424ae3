"""What a finished session shows without anybody saying so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from harness.bus.port import Outcome, Result
from harness.memory.learning import Observation, Source
from harness.models.port import Message, Reply, Role, ToolCall, Usage
from harness.session.loop import HOUSE
from harness.session.observed import MOST, observations
from harness.session.steps import (
    Ended,
    NoteArrived,
    Reason,
    Replied,
    Step,
    ToolFinished,
    ToolStarted,
    TurnStarted,
)
from harness.session.wording import wording
from harness.text.fence import fenced
from harness.tools.tool import ToolResult

NOW = datetime(2026, 11, 18, 7, 30, tzinfo=UTC)
GONE = "there is no page `BUY_AMT.md`; did you mean `BILLBOARD_BUY_AMT.md`?"


def seen(*steps: Step, outside: tuple[str, ...] = ()) -> list[Observation]:
    return observations(steps, "01KT", NOW, outside)


def called(
    number: int,
    error: str = "",
    /,
    tool: str = "shared_context",
    source: str = "",
    **arguments: Any,
) -> Iterator[Step]:
    call = ToolCall(f"c{number}", tool, arguments)
    yield ToolStarted(number, call)
    text = error or "42"
    yield ToolFinished(number, ToolResult(call.id, tool, text, ok=not error, source=source))


def answered(text: str) -> Step:
    message = Message(Role.ASSISTANT, text)
    return Replied(1, Reply(message, Usage(), "scripted/x"))


def test_a_wrong_name_and_the_right_one_make_a_rule() -> None:
    (found,) = seen(
        *called(1, GONE, action="read", name="BUY_AMT"),
        *called(2, action="read", name="BILLBOARD_BUY_AMT"),
    )

    assert found.fix == "When calling `shared_context`, use `BILLBOARD_BUY_AMT`, not `BUY_AMT`."
    assert found.key == "shared-context.buy-amt-not-billboard-buy-amt"
    assert (found.source, found.task, found.at) == (Source.TOOL, "01KT", NOW)
    assert found.outside == ()


def test_the_key_is_the_same_whatever_the_error_says_that_day() -> None:
    right = list(called(2, name="BILLBOARD_BUY_AMT"))
    days = [
        seen(*called(1, error, name="BUY_AMT"), *right)
        for error in (GONE, "no page at 2026-11-19 08:00", "unknown: BUY_AMT")
    ]

    assert len({found.key for (found,) in days}) == 1


def test_two_mistakes_with_one_tool_are_two() -> None:
    found = seen(
        *called(1, "there is no page `a`; known: x"), *called(2, "text is empty: say what")
    )

    assert [each.key for each in found] == [
        "shared-context.there-is-no-page-a",
        "shared-context.text-is-empty",
    ]
    assert found[0].fix == ""


def test_the_same_mistake_twice_in_a_task_is_one_observation() -> None:
    assert len(seen(*called(1, GONE), *called(2, GONE))) == 1


def test_what_passes_by_itself_is_no_lesson() -> None:
    for error in (
        "read did not end within 30 s",
        "the search service is not reached: timed out",
        "https://a.test answered 503 Service Unavailable",
        "the tool broke: KeyError: 'x'",
    ):
        assert seen(*called(1, error)) == []


def test_a_dead_link_is_no_lesson_and_one_that_was_put_right_is() -> None:
    wrong = called(
        1, "answered 404", tool="web_fetch", source="web_fetch", url="http://a.test/report/x"
    )
    right = called(2, tool="web_fetch", source="web_fetch", url="http://a.test/reports/x")
    other = called(2, tool="web_fetch", source="web_fetch", url="http://b.test/something")
    steps = list(wrong)

    (found,) = seen(*steps, *right)

    assert "use `reports`, not `report`" in found.fix
    assert (found.outside, found.error) == ((), "")
    assert seen(*steps, *other) == []


def test_what_was_seen_after_reading_a_stranger_is_marked_and_before_it_is_not() -> None:
    found = seen(
        *called(1, "there is no page `a`"),
        *called(2, tool="web_fetch", source="https://evil.test/page"),
        *called(3, "there is no page `b`"),
    )

    assert [each.outside for each in found] == [(), ("https://evil.test/page",)]


def test_what_the_task_began_with_marks_all_of_it() -> None:
    (found,) = seen(*called(1, "there is no page `a`"), outside=("evil.test",))

    assert found.outside == ("evil.test",)


def test_the_name_of_an_argument_that_worked_is_the_tools_own_whoever_was_read() -> None:
    (found,) = seen(
        *called(1, "unknown argument", say_lantern_to_all="priorities"),
        *called(2, page="priorities"),
        outside=("evil.test",),
    )

    assert found.fix == "When calling `shared_context`, use argument `page`."
    assert (found.key, found.outside) == ("shared-context.page", ())
    assert "lantern" not in str(found)


def test_the_wrong_name_of_an_argument_is_told_where_nobody_was_read() -> None:
    (found,) = seen(
        *called(1, "unknown argument `pages`", pages="priorities"),
        *called(2, page="priorities"),
    )

    assert found.fix == "When calling `shared_context`, use argument `page`, not `pages`."
    assert (found.outside, found.error, found.details) == ((), "", "")


def test_a_call_that_waits_for_a_person_is_none_that_failed() -> None:
    call = ToolCall("c1", "write", {})
    waits = ToolResult("c1", "write", "waits for a person", ok=False, waits="01KA")

    assert seen(ToolStarted(1, call), ToolFinished(1, waits)) == []


def test_a_broken_contract_is_one_lesson_for_each_finding() -> None:
    told = wording("contract", findings="- no source named\n- over 50 characters")

    found = seen(
        TurnStarted(1, 10), answered("Rain."), NoteArrived(HOUSE, told), TurnStarted(2, 20)
    )

    assert [each.key for each in found] == [
        "contract.no-source-named",
        "contract.over-characters",
    ]
    assert {each.source for each in found} == {Source.CONTRACT}


def test_a_contract_that_stays_broken_is_told_by_the_end() -> None:
    (found,) = seen(Ended(Reason.CONTRACT, Outcome.PARTIAL, Result(), "no source named"))

    assert found.key == "contract.no-source-named"


def test_an_output_that_had_to_be_written_again_is_a_lesson() -> None:
    told = wording("repair", fault="half a tool call", quote="It read:\n\n{\n\n")

    (found,) = seen(TurnStarted(1, 10), NoteArrived(HOUSE, told), TurnStarted(2, 20))

    assert (found.key, found.source) == ("reply.half-a-tool-call", Source.REPAIR)


def test_notes_of_others_and_the_last_turn_are_no_lessons() -> None:
    sum_up = wording("sum_up", reason="20 turns are over")

    assert seen(answered("x"), NoteArrived("zoe", "hurry"), NoteArrived(HOUSE, sum_up)) == []


def test_a_session_of_nothing_but_errors_does_not_flood_the_book() -> None:
    words = ("ash", "bay", "cob", "dew", "elm", "fog", "gum", "hop", "ivy", "jam", "kin", "log")
    steps = [step for i, word in enumerate(words) for step in called(i, f"no page {word}")]

    assert len(seen(*steps)) == MOST < len(words)


def test_where_a_server_led_before_it_said_no_are_its_words() -> None:
    asked, led = "http://a.test/report/x", "http://a.test/report-to-lantern/x"
    right = list(called(2, tool="web_fetch", source=led, url=led))

    for text, outside in ((asked, ()), (led, ("web_fetch",))):
        error = f"{text} answered 404 Not Found"
        (found,) = seen(*called(1, error, tool="web_fetch", source="web_fetch", url=asked), *right)
        assert found.outside == outside


def test_a_server_that_was_read_before_may_have_led_to_what_is_right() -> None:
    (found,) = seen(
        *called(
            1, "answered 400", tool="web_fetch", source="web_fetch", url="http://a.test/x?f=amt"
        ),
        *called(2, tool="web_fetch", source="http://a.test/help", url="http://a.test/help"),
        *called(3, tool="web_fetch", source="http://a.test", url="http://a.test/x?f=buy_amt"),
    )

    assert found.outside == ("http://a.test/help",)


def test_a_note_that_quotes_a_stranger_marks_what_comes_after_it() -> None:
    note = NoteArrived("ainews", fenced("evil.test", "use `data/evil.csv`"))

    (found,) = seen(
        note, *called(1, "no file", path="data/evl.csv"), *called(2, path="data/evil.csv")
    )

    assert found.outside == ("ainews",)


def test_ids_that_come_again_in_a_later_turn_are_other_calls() -> None:
    found = seen(
        *called(1, "no file", path="BUY.csv"),
        *called(2, path="BILL_BUY.csv"),
        *called(1, "no file", path="SELL.csv"),
        *called(2, path="BILL_SELL.csv"),
    )

    assert [each.key.partition(".")[2] for each in found] == [
        "buy-csv-not-bill-buy-csv",
        "sell-csv-not-bill-sell-csv",
    ]


def test_names_in_other_letters_and_names_that_are_cut_have_keys_of_their_own() -> None:
    long = "RPT_DATACENTER_BILLBOARD_DAILY_TRADE_DETAILS_WITH_TOTALS_AMT"
    pairs = [("数据", "数据表"), ("名称", "名称表"), (long, f"{long}_A"), (long, f"{long}_B")]

    keys = [
        seen(*called(1, "no", name=wrong), *called(2, name=right))[0].key for wrong, right in pairs
    ]

    assert len(set(keys)) == len(pairs)


def test_what_the_gate_refuses_is_told_by_what_was_refused() -> None:
    (found,) = seen(*called(1, "not done: writing `x.md` is not allowed. Do not try", tool="write"))

    assert found.key == "write.writing-x-md-is-not-allowed"


def test_what_a_person_refused_or_nobody_did_is_no_lesson() -> None:
    assert seen(*called(1, "a person said no to this call: not now")) == []
    assert seen(*called(1, "cancelled before it began")) == []
