from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.models.plan.footprint import bytes_read, footprint, kv_cache
from harness.models.plan.packing import fits, slots_within, together
from harness.models.plan.plan import known_shapes
from harness.models.plan.precision import BITS
from harness.models.plan.shape import (
    VOCABULARY,
    Shape,
    shape_of_facts,
    shape_of_show,
    shape_of_words,
)

GIB = 1 << 30
SMALL = {"context": st.integers(1, 200_000), "slots": st.integers(1, 16)}


def known(name: str) -> Shape:
    return shape_of_facts(name, known_shapes()[name])


LLAMA = known("llama3.1:8b")
MIXTURE = known("qwen3:30b-a3b")


def test_the_weights_of_llama_are_those_that_llama_cpp_measured() -> None:
    assert LLAMA.weights / GIB == pytest.approx(4.58, abs=0.01)
    assert replace(LLAMA, precision="Q8_0").weights / GIB == pytest.approx(7.95, abs=0.01)


def test_the_file_of_a_server_goes_before_what_is_reckoned() -> None:
    assert replace(LLAMA, file_size=5 * GIB).weights == 5 * GIB


def test_eight_thousand_tokens_of_llama_take_a_gibibyte() -> None:
    assert kv_cache(LLAMA, 8192, 1) == GIB
    assert kv_cache(LLAMA, 8192, 4) == 4 * GIB
    assert kv_cache(LLAMA, 8192, 1, kv_bytes=0.5) == GIB // 4


def test_no_model_has_more_context_than_it_was_trained_for() -> None:
    assert footprint(LLAMA, 10**6, 1) == footprint(LLAMA, LLAMA.context, 1)


def test_layers_with_a_window_keep_only_the_window() -> None:
    whole = replace(LLAMA, family="gemma3", layers=48)
    windowed = replace(whole, window=1024)

    assert kv_cache(whole, 65_536, 1) > 5 * kv_cache(windowed, 65_536, 1)
    assert kv_cache(windowed, 512, 1) == kv_cache(whole, 512, 1)


def test_a_mixture_takes_the_memory_of_all_and_the_speed_of_the_few() -> None:
    dense = replace(MIXTURE, active=MIXTURE.parameters)

    assert footprint(MIXTURE, 16_384, 2) == footprint(dense, 16_384, 2)
    assert bytes_read(MIXTURE, 1024) < bytes_read(dense, 1024) / 5


def test_without_flash_attention_a_long_context_needs_a_larger_graph() -> None:
    flash = replace(LLAMA, flash=True)

    assert footprint(LLAMA, 32_768, 2).graph > 4 * footprint(flash, 32_768, 2).graph


@given(**SMALL)
def test_more_context_or_slots_never_need_less(context: int, slots: int) -> None:
    here = footprint(LLAMA, context, slots)

    assert footprint(LLAMA, context + 1, slots).total >= here.total
    assert footprint(LLAMA, context, slots + 1).total >= here.total
    assert here.total == here.weights + here.kv + here.graph + here.runtime


@given(st.lists(st.integers(1, 40), max_size=6), st.integers(1, 64))
def test_what_fits_together_fits_in_part(needs: list[int], memory: int) -> None:
    if fits(needs, memory):
        assert all(fits(needs[:at] + needs[at + 1 :], memory) for at in range(len(needs)))
        assert sum(needs) <= memory


def test_a_model_alone_may_take_all_and_a_second_one_most_of_what_is_left() -> None:
    assert fits([24], 24)
    assert fits([14, 8], 24)
    assert not fits([14, 9], 24)
    assert fits([], 24)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 30)), st.integers(1, 4))
def test_the_sets_are_the_largest_that_fit(needs: dict[str, int], most: int) -> None:
    found = [set(names) for names in together(needs, 24, most)]

    for names in found:
        assert fits([needs[name] for name in names], 24)
        assert len(names) <= most
        assert not any(names < other for other in found)
    for name, need in needs.items():
        assert fits([need], 24) == any(name in names for names in found)


def test_as_many_slots_as_the_memory_carries_and_not_one_more() -> None:
    count = slots_within(LLAMA, 8192, 16 * GIB)

    assert fits([footprint(LLAMA, 8192, count).total], 16 * GIB)
    assert not fits([footprint(LLAMA, 8192, count + 1).total], 16 * GIB)
    assert slots_within(LLAMA, 8192, 4 * GIB) == 0


@pytest.mark.parametrize("name", known_shapes())
def test_every_model_of_our_list_is_whole(name: str) -> None:
    shape = known(name)

    assert shape.precision in BITS
    assert shape.active <= shape.parameters
    assert shape.heads % shape.kv_heads == 0
    assert footprint(shape, shape.context, 1).total > 0


def test_a_shape_that_a_person_states_is_that_shape() -> None:
    words = (
        "qwen3:8b parameters=8.19B precision=Q4_K_M layers=36 heads=32 kv_heads=8 head_dim=128"
        " embedding=4096 vocabulary=151936 family=qwen3 context=40960"
    )

    assert shape_of_words(words) == known("qwen3:8b")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("x", "of x it is not known: parameters, precision, layers"),
        ("x parameters=8B layer=3", "nothing of a model is called `layer`"),
        ("x parameters", "`parameters` is no key=value"),
        ("x parameters=many precision=F16", "of x it is not known: layers"),
    ],
)
def test_what_lacks_in_a_stated_shape_is_named(words: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        shape_of_words(words)


def test_a_number_that_is_none_is_named() -> None:
    words = (
        "x parameters=many precision=F16 layers=1 heads=1 kv_heads=1 head_dim=1 embedding=1"
        " vocabulary=1"
    )

    with pytest.raises(UsageError, match="`parameters` is a number above zero"):
        shape_of_words(words)


def test_a_server_tells_the_shape_of_a_mixture() -> None:
    shown = {
        "details": {"quantization_level": "Q4_K_M", "parameter_size": "30.5B"},
        "model_info": {
            "general.architecture": "qwen3moe",
            "general.parameter_count": 30_532_122_624,
            "qwen3moe.block_count": 48,
            "qwen3moe.attention.head_count": 32,
            "qwen3moe.attention.head_count_kv": 4,
            "qwen3moe.attention.key_length": 128,
            "qwen3moe.attention.value_length": 128,
            "qwen3moe.embedding_length": 2048,
            "qwen3moe.context_length": 40_960,
            "qwen3moe.expert_count": 128,
            "qwen3moe.expert_used_count": 8,
            "qwen3moe.expert_feed_forward_length": 768,
            "qwen3moe.vocab_size": 151_936,
        },
    }

    shape = shape_of_show("qwen3:30b-a3b", shown, 18_556_685_856)

    assert shape.active / 10**9 == pytest.approx(3.35, abs=0.05)
    assert replace(shape, parameters=0, active=0, file_size=None) == replace(
        MIXTURE, parameters=0, active=0
    )


def test_a_server_that_does_not_tell_its_vocabulary_has_a_large_one() -> None:
    shown = {
        "model_info": {
            "general.architecture": "llama",
            "general.parameter_count": 8_030_000_000,
            "llama.block_count": 32,
            "llama.attention.head_count": 32,
            "llama.embedding_length": 4096,
            "llama.context_length": 8192,
        }
    }

    assert shape_of_show("x", shown).vocabulary == VOCABULARY


def test_a_server_that_says_too_little_is_told_of() -> None:
    shown = {"model_info": {"general.architecture": "odd", "odd.context_length": 4096}}

    with pytest.raises(UsageError, match="of odd:1b it is not known: parameters, layers, heads"):
        shape_of_show("odd:1b", shown)
