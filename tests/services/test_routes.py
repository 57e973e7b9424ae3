"""What decides without a model whose a request is: the name, then rules, then profiles."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.bus.routed import Decision, How
from harness.config.settings import RouterSettings
from harness.services.routes import Routes
from harness.text.addressing import Claim

AGENTS = ("butler", "macro", "zoe")
ROUTES = Routes(
    AGENTS,
    rules=(Claim("macro", ("gold",)), Claim("zoe", ("plan",))),
    claims=(Claim("butler", ("remind me", "plan")), Claim("macro", ("plan of the week",))),
    unsure="zoe",
)
words = st.sampled_from(["gold", "plan", "remind me", "macro", "@butler", "zoe:", "the week", "?"])
texts = st.lists(words, max_size=6).map(" ".join)
claims = st.lists(st.builds(Claim, st.sampled_from([*AGENTS, "gone"]), st.just(("gold", "plan"))))


def test_a_name_goes_before_every_rule() -> None:
    assert ROUTES.decide("butler: gold") == Decision(
        "butler", How.NAMED, "the request begins with the name"
    )


def test_a_rule_goes_before_the_words_of_a_profile() -> None:
    assert ROUTES.decide("Remind me of the gold.") == Decision("macro", How.RULE, "gold")


def test_rules_that_name_two_agents_leave_it_to_the_profiles() -> None:
    decision = ROUTES.decide("Remind me of the gold in the plan.")

    assert decision == Decision("butler", How.WORDS, "remind me, plan")


def test_what_neither_knows_is_left_open() -> None:
    assert ROUTES.decide("Do something.") is None


def test_a_name_that_is_nobodys_is_no_address() -> None:
    assert ROUTES.decide("@mcro gold") == Decision("macro", How.RULE, "gold")


def test_in_doubt_the_settings_are_asked_then_the_default_then_the_first() -> None:
    def unsure(wanted: str, *agents: str) -> str:
        return Routes.of(RouterSettings(unsure=wanted), (), agents).unsure

    assert unsure("macro", *AGENTS) == "macro"
    assert unsure("gone", *AGENTS) == "zoe"
    assert unsure("gone", "scout", "clerk") == "clerk"
    assert unsure("gone") == "gone"


@given(texts, claims, claims)
def test_nobody_but_one_of_the_crew_is_chosen(
    text: str, rules: list[Claim], own: list[Claim]
) -> None:
    decision = Routes(AGENTS, tuple(rules), tuple(own), "zoe").decide(text)

    assert decision is None or decision.agent in AGENTS


@given(texts, claims, claims)
def test_the_same_request_has_the_same_answer_in_any_order_of_the_rules(
    text: str, rules: list[Claim], own: list[Claim]
) -> None:
    first = Routes(AGENTS, tuple(rules), tuple(own), "zoe").decide(text)
    second = Routes(AGENTS, tuple(reversed(rules)), tuple(reversed(own)), "zoe").decide(text)

    assert first == second
