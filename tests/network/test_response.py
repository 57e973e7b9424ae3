"""The text of an answer, in the character set that it is really in."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.network.response import Response, decode

TEXT = "Größe, café, naïve – 5 €"


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (TEXT.encode(), ""),
        (TEXT.encode(), "text/html; charset=utf-8"),
        (TEXT.encode(), "text/html; charset=iso-8859-1"),  # the header lies
        (TEXT.encode("cp1252"), "text/html; charset=utf-8"),  # so does this one
        (TEXT.encode("cp1252"), "text/html; charset=latin-1"),
        (TEXT.encode("cp1252"), ""),
        (TEXT.encode("utf-8-sig"), "text/html; charset=latin-1"),
        (TEXT.encode("utf-16"), ""),
        (TEXT.encode("utf-16-le"), "text/html; charset=utf-16-le"),
        (TEXT.encode("utf-32"), ""),
        (TEXT.encode(), "text/html; charset=no-such-thing"),
        (TEXT.encode(), "text/html; charset=unicode_escape"),
    ],
)
def test_the_text_comes_out_whatever_the_header_says(body: bytes, header: str) -> None:
    assert decode(body, header) == TEXT


def test_a_declaration_inside_the_page_counts_where_the_header_is_silent() -> None:
    japanese = '<meta charset="shift_jis"><p>小型言語モデル</p>'
    russian = '<?xml version="1.0" encoding="KOI8-R"?><p>новости</p>'
    old = '<meta charset="iso-2022-jp"><p>日本</p>'

    assert decode(japanese.encode("shift_jis")) == japanese
    assert decode(russian.encode("koi8-r")) == russian
    assert decode(old.encode("iso2022_jp")) == old


@given(st.binary(max_size=200), st.text(max_size=60))
def test_decoding_never_raises(body: bytes, header: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decode(body, f"text/html; charset={header}")


def test_a_status_is_told_with_its_name() -> None:
    def answer(status: int) -> Response:
        return Response("http://a.test/", status, {}, b"", 0.0)

    assert answer(404).said == "404 Not Found"
    assert answer(799).said == "799"
    assert answer(204).ok
    assert not answer(304).ok
