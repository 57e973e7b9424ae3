from __future__ import annotations

import pytest

from harness.cronline import Cronline, CronlineError


@pytest.mark.parametrize(
    ("line", "marked", "message", "hint"),
    [
        ("0 25 * * *", "25", "hour 25 is out of range (0-23)", "did you mean `5`?"),
        ("0 24 * * *", "24", "hour 24 is out of range (0-23)", "did you mean `0`?"),
        ("60 * * * *", "60", "minute 60 is out of range (0-59)", "did you mean `0`?"),
        ("0 0 0 * *", "0", "day of the month 0 is out of range (1-31)", None),
        ("0 0 * 13 *", "13", "month 13 is out of range (1-12)", None),
        ("0 0 * * 8", "8", "weekday 8 is out of range (0-7)", None),
        ("0 9,x * * *", "x", "`x` is no hour", None),
        ("0 9 * * monday", "monday", "`monday` is no weekday", "did you mean `mon`?"),
        ("0 9 * agu *", "agu", "`agu` is no month", "did you mean `aug`?"),
        ("0 9-x * * *", "x", "`x` is no hour", None),
        ("0 22-2 * * *", "22-2", "the range `22-2` runs backwards", "did you mean `22-23,0-2`?"),
        (
            "0 9 * * fri-sun",
            "fri-sun",
            "the range `fri-sun` runs backwards",
            "did you mean `fri-7`?",
        ),
        (
            "0 9 * * sat-tue",
            "sat-tue",
            "the range `sat-tue` runs backwards",
            "did you mean `sat-7,1-tue`?",
        ),
        ("*/0 * * * *", "0", "`0` is no step", "a step is a number from 1 up"),
        (
            "*/90 * * * *",
            "90",
            "step 90 is longer than the minute runs",
            "a step starts anew with each hour, day or month; for a fixed period use `every`",
        ),
        ("1/2/3 * * * *", "1/2/3", "`1/2/3` has more than one step", None),
        ("1-2-3 * * * *", "1-2-3", "`1-2-3` is no range", None),
        ("0 9 ? * *", "?", "`?` is not known to cron", "use `*`"),
        ("0 9 L * *", "L", "`L`: cron knows no `L` and no `W`", "list the days instead"),
        ("0 9 15W * *", "15W", "`15W`: cron knows no `L` and no `W`", "list the days instead"),
        ("0 9 * * 5L", "5L", "`5L`: cron knows no `L` and no `W`", "list the days instead"),
        (
            "0 9 30 2 *",
            "30 2",
            "this never fires: none of its months has such a day",
            None,
        ),
        ("@dayly", "@dayly", "unknown nickname `@dayly`", "did you mean `@daily`?"),
        (
            "@reboot",
            "@reboot",
            "@reboot names no time, so it is no slot",
            "use `cron`, `every`, `at`",
        ),
        ("@daily 5", "5", "nothing may follow `@daily`", None),
        (
            "0 0 9 * * 1",
            "1",
            "a cron line has five fields, not 6",
            "there is no field for seconds or years; below a minute use `every: 30s`",
        ),
        (
            " 0 9 *",
            "0 9 *",
            "a cron line has five fields, not 3",
            "they are: minute hour day-of-month month weekday",
        ),
        ("1,,2 * * * *", "", "a minute is missing", None),
        ("-5 * * * *", "", "a minute is missing", None),
        ("٣ * * * *", "٣", "`٣` is no minute", None),
    ],
)
def test_a_refusal_marks_the_characters_it_means(
    line: str, marked: str, message: str, hint: str | None
) -> None:
    with pytest.raises(CronlineError) as caught:
        Cronline.parse(line)

    error = caught.value
    assert str(error) == message
    assert line[error.offset : error.offset + error.width].startswith(marked)
    assert error.width == max(len(marked), 1)
    assert error.hint == hint


def test_an_nth_weekday_is_refused_by_name() -> None:
    with pytest.raises(CronlineError, match="`mon#2`: cron knows no nth weekday"):
        Cronline.parse("0 9 * * mon#2")


def test_an_empty_line_is_refused() -> None:
    with pytest.raises(CronlineError, match="empty"):
        Cronline.parse("  ")


def test_names_ranges_lists_and_steps_are_values() -> None:
    schedule = Cronline.parse("5/20,59 8-18/5 1,15 jan-mar,DEC mon-fri,7").schedule

    assert schedule.minutes == (5, 25, 45, 59)
    assert schedule.hours == (8, 13, 18)
    assert schedule.days == {1, 15}
    assert schedule.months == {1, 2, 3, 12}
    assert schedule.weekdays == {0, 1, 2, 3, 4, 5}


@pytest.mark.parametrize(
    ("nickname", "line"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@Weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
    ],
)
def test_a_nickname_is_the_line_it_stands_for(nickname: str, line: str) -> None:
    assert Cronline.parse(nickname).schedule == Cronline.parse(line).schedule
