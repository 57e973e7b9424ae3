"""How strong a note still is: it fades with time, and slower the more often it was of use."""

from __future__ import annotations

from datetime import date, timedelta
from math import log2

DAY = timedelta(days=1)


def strength(age: timedelta, uses: int, half_life: timedelta) -> float:
    """Between 1, as on the first day, and 0, forgotten: `0.5 ** (age / (half_life * stretch))`
    with `stretch = 1 + log2(1 + uses)`.

    `age` is the time since the note was written or last of use, whichever is later; less than
    nothing counts as nothing. So a note counts half after one half-life, after two if it was of
    use once, after three if it was three times. An exponential curve whose half-life grows with
    practice is that of Settles and Meeder, "A Trainable Spaced Repetition Model for Language
    Learning", ACL 2016; they fit the growth to data, here it is the logarithm.
    """
    stretch = 1 + log2(1 + max(uses, 0))
    return float(0.5 ** (max(age, timedelta(0)) / (half_life * stretch)))


def strength_on(
    today: date,
    written: date | None,
    half_life: timedelta | None,
    uses: int = 0,
    last: date | None = None,
) -> float:
    """The strength of something written on a day and last of use on another; 1 for what has no
    day, or no half-life: that does not fade."""
    if written is None or half_life is None:
        return 1.0
    return strength((today - max(written, last or written)) // DAY * DAY, uses, half_life)
