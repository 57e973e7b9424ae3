"""The lines of an answer: what a server writes in the place of a number."""

from __future__ import annotations

import pytest

from harness.models.ollama_wire import Answer


def done(**fields: object) -> Answer:
    answer = Answer("http://server", "m", None)
    answer.add({"done": True, **fields})
    return answer


@pytest.mark.parametrize("odd", ["long", None, -1, 10**400, float("nan"), [], True])
def test_what_is_no_duration_counts_as_none_measured(odd: object) -> None:
    assert done(load_duration=odd).timings()["load"] in {0.0, 1e-9}


@pytest.mark.parametrize("odd", ["12", None, -1, 10**400, 1.5, True])
def test_what_is_no_count_of_tokens_is_estimated(odd: object) -> None:
    usage = done(prompt_eval_count=odd, eval_count=3).usage(10, 20)

    assert (usage.prompt, usage.completion, usage.estimated) == (10, 3, True)
