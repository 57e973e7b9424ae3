"""Bodies unpacked within a limit."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.network.inflate import Damaged, Inflater, TooLarge
from tests.doubles.feed_routes import raw_deflate, two_members

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "x-gzip": two_members,
    "deflate": zlib.compress,
    "Deflate ": raw_deflate,
}


def unpack(encoding: str, packed: bytes, piece: int, limit: int = 10_000) -> bytes:
    inflater = Inflater(encoding, limit)
    for start in range(0, len(packed), piece):
        inflater.feed(packed[start : start + piece])
    return inflater.finish()


@given(st.sampled_from(sorted(PACKERS)), st.binary(max_size=300), st.integers(1, 40))
def test_what_was_packed_comes_out_however_it_is_cut(
    encoding: str, body: bytes, piece: int
) -> None:
    assert unpack(encoding, PACKERS[encoding](body), piece) == body


def test_a_bomb_stops_at_the_limit_and_not_after_it() -> None:
    inflater = Inflater("gzip", 100_000)

    with pytest.raises(TooLarge):
        inflater.feed(gzip.compress(bytes(50_000_000)))

    assert len(inflater.body) == 100_001


def test_members_without_content_do_not_go_on_for_ever() -> None:
    with pytest.raises(TooLarge):
        unpack("gzip", gzip.compress(b"") * 100, 64, limit=1000)


def test_one_encoding_is_enough() -> None:
    for encoding in ("gzip, gzip", "br", "zstd"):
        with pytest.raises(Damaged, match="not asked for"):
            Inflater(encoding, 1000)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_stream_that_breaks_off_is_told(encoding: str) -> None:
    whole = PACKERS[encoding](b"the whole story " * 10)

    with pytest.raises(Damaged):
        unpack(encoding, whole[: len(whole) // 2], 1000)


def test_a_body_that_is_not_packed_as_it_says_is_taken_as_it_is() -> None:
    assert unpack("gzip", b"<rss/>", 3) == b"<rss/>"


@given(st.sampled_from(["gzip", "deflate"]), st.binary(max_size=200))
def test_rubbish_raises_nothing_but_its_faults(encoding: str, rubbish: bytes) -> None:
    with suppress(Damaged, TooLarge):
        unpack(encoding, rubbish, 50)
