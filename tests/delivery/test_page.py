"""The page: front matter that any YAML parser reads back, and a text that says what it is."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from harness.bus.port import Outcome, Result, Task
from harness.config.document import split_front_matter
from harness.delivery.degraded import with_notice
from harness.delivery.page import one_line, page
from tests.doubles.finals import DIGEST, final

ZONE = ZoneInfo("Europe/Berlin")


def read(task: Task) -> tuple[dict[str, Any], str]:
    front, body = split_front_matter(page(task, ZONE))
    return YAML(typ="safe", pure=True).load(front), body


def test_the_front_matter_tells_where_the_page_comes_from() -> None:
    properties, _ = read(DIGEST)

    assert properties == {
        "title": "Morning digest.",
        "task": DIGEST.id,
        "agent": "ainews",
        "from": "cron",
        "job": "ainews-morning",
        "outcome": "done",
        "model": "ollama/qwen3:8b",
        "degraded": False,
        "created": "2026-01-30T16:30:00+01:00",
        "finished": "2026-01-30T16:33:00+01:00",
        "tokens": 1500,
        "tags": ["agent/ainews", "outcome/done"],
        "aliases": ["Morning digest."],
    }


@given(title=st.text(), sender=st.text(), text=st.text())
def test_any_title_and_text_come_back_from_the_page(title: str, sender: str, text: str) -> None:
    properties, body = read(final(text, title=title, sender=sender))

    assert properties["title"] == (one_line(title) or DIGEST.id)
    assert properties["aliases"] == [properties["title"]]
    assert properties["from"] == one_line(sender)
    assert body == f"\n{text.replace(chr(0), '').strip()}\n"


@pytest.mark.parametrize(
    "title", ["null", "2026-01-31", "yes: no", "- # [x]", "'\"\\", "---", "a\u2028b", "1_000", "~"]
)
def test_a_title_that_means_something_in_yaml_stays_text(title: str) -> None:
    properties, _ = read(final(title=title))

    assert properties["title"] == one_line(title)


def test_a_long_title_stays_on_its_line() -> None:
    properties, _ = read(final(title="word " * 500))

    assert properties["title"] == ("word " * 500).strip()


@pytest.mark.parametrize("outcome", [Outcome.PARTIAL, Outcome.REFUSED])
def test_an_outcome_is_a_property_and_a_tag(outcome: Outcome) -> None:
    properties, _ = read(final(outcome=outcome))

    assert properties["outcome"] == outcome.value
    assert f"outcome/{outcome.value}" in properties["tags"]


def test_a_degraded_answer_that_hides_it_gets_a_line_that_says_so() -> None:
    properties, body = read(final("The news.", degraded=True))

    assert properties["degraded"] is True
    assert "degraded" in properties["tags"]
    assert body == "\n> Degraded: answered by extractive.\n\nThe news.\n"


@pytest.mark.parametrize(
    "text",
    [
        "_Degraded: no language model was there._\n\nNews.",
        "> Degraded: extracted without a language model.\n\nNews.",
    ],
)
def test_a_degraded_answer_that_says_so_is_left_alone(text: str) -> None:
    _, body = read(final(text, degraded=True))

    assert body == f"\n{text}\n"


def test_a_degraded_agent_with_nothing_to_say_stays_silent() -> None:
    assert with_notice(Result(text=" \n", degraded=True)) == " \n"


def test_news_of_degraded_service_do_not_pass_for_the_notice() -> None:
    text = "- Degraded performance of a cloud\n\nDegraded service elsewhere."
    _, body = read(final(text, degraded=True))

    assert body.startswith("\n> Degraded: answered by extractive.")
