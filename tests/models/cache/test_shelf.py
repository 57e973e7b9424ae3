"""The shelf of answers stays within its bounds, whatever is put there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.models.cache.shelf import Kept, Shelf
from harness.models.port import Message, Reply, Role, Usage


def kept(text: str, until: float = 10.0) -> Kept:
    return Kept(Reply(Message(Role.ASSISTANT, text), Usage(), "m"), until)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3_000), st.booleans())))
def test_it_never_holds_more_than_it_may(puts: list[tuple[str, int, bool]]) -> None:
    shelf = Shelf(answers=4, most_bytes=8_000)

    for key, length, look in puts:
        shelf.put(key, kept("x" * length))
        found = shelf.get(key, 0.0) if look else None
        assert found is None or len(found.reply.message.content) == length

        assert len(shelf) <= 4
        assert shelf.bytes <= 8_000
        assert shelf.bytes == sum(each.size for each in shelf._kept.values())


def test_the_longest_unused_goes_first() -> None:
    shelf = Shelf(answers=2)
    shelf.put("a", kept("1"))
    shelf.put("b", kept("2"))

    shelf.get("a", 0.0)
    shelf.put("c", kept("3"))

    assert [key for key in "abc" if shelf.get(key, 0.0)] == ["a", "c"]


def test_one_larger_than_the_shelf_pushes_nothing_out() -> None:
    shelf = Shelf(most_bytes=5_000)
    shelf.put("a", kept("small"))

    shelf.put("b", kept("x" * 6_000))

    assert shelf.get("a", 0.0) is not None
    assert shelf.get("b", 0.0) is None


def test_what_grew_old_takes_no_room_once_it_was_looked_for() -> None:
    shelf = Shelf()
    shelf.put("a", kept("1", until=5.0))

    assert shelf.get("a", 5.0) is None
    assert (len(shelf), shelf.bytes) == (0, 0)
