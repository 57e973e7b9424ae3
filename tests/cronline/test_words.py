from __future__ import annotations

import pytest

from harness.cronline import Cronline


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("*/15 8-18 * * 1-5", "every 15 minutes of hour 08 to 18, Monday to Friday"),
        ("* 9 * * *", "every minute of hour 09"),
        ("5 * * * *", "at :05 past every hour"),
        ("30 */2 * * *", "at :30 every 2 hours"),
        ("30 7 * * 1-5", "at 07:30, Monday to Friday"),
        ("0 7,19 * * *", "at 07:00 and 19:00"),
        ("0 9 * * 6,0", "at 09:00, Saturday and Sunday"),
        ("0 9 * * 5-7", "at 09:00, Friday to Sunday"),
        ("0,30 9-17 * * *", "every 30 minutes of hour 09 to 17"),
        ("0,20 9-17 * * *", "at :00 and :20 past hour 09 to 17"),
        ("*/7 9 * * *", "at :00, :07, :14, :21, :28, :35, :42, :49 and :56 past hour 09"),
        ("0 0 1 * *", "at 00:00 on day 1 of the month"),
        ("0 0 1,15 * *", "at 00:00 on day 1 and 15 of the month"),
        ("0 0 13 * 5", "at 00:00 on day 13 of the month or on Friday"),
        ("0 0 */10 * 5", "at 00:00 on day 1, 11, 21 and 31 of the month if it is Friday"),
        ("0 0 1-31 * 5", "at 00:00"),
        ("0 6 1 1 *", "at 06:00 on day 1 of the month in January"),
        ("0 6 * jun-aug,12 *", "at 06:00 in June to August and December"),
    ],
)
def test_a_line_is_told_in_words(line: str, words: str) -> None:
    assert Cronline.parse(line).describe() == words
