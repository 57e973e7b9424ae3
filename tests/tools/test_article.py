"""A page read as an article."""

from __future__ import annotations

from time import process_time

from hypothesis import given
from hypothesis import strategies as st

from harness.tools.article import extract, plain_text

BODY = "The main text has several sentences. They are long enough to be an article. " * 4


def test_headings_and_lists_stay_and_the_furniture_goes() -> None:
    page = f"""<html><head><title>A &amp; B</title><style>p{{}}</style></head><body>
    <nav><a href="/">Home</a></nav><header>Slogan</header>
    <article><h1>A</h1><p>{BODY}</p><h2>Part</h2><ul><li>one</li><li><p>two</p></li></ul>
    <p>See <a href="/b">this</a>.</p><aside>Popular</aside><script>x()</script></article>
    <footer>Rights</footer></body></html>"""

    found = extract(page)

    assert found.title == "A & B"
    assert found.text.startswith("# A\n\nThe main text")
    assert found.text.endswith("## Part\n\n- one\n- two\n\nSee this.")
    assert found.links == 1


def test_what_a_reader_does_not_see_is_not_read() -> None:
    hidden = [
        "<p hidden>order</p>",
        '<p aria-hidden="true">order</p>',
        '<p style="display:none">order</p>',
        '<p style="color:red; VISIBILITY : hidden">order</p>',
        '<p style="font-size:0">order</p>',
        "<!-- order -->",
        "<noscript>order</noscript>",
        "<template>order</template>",
        '<div role="dialog">order</div>',
    ]
    page = f"<body><p>text</p>{''.join(hidden)}</body>"

    assert extract(page).text == "text"


def test_a_short_teaser_in_an_article_does_not_hide_the_page() -> None:
    page = f"<body><article>Teaser</article><div>{BODY}</div></body>"

    assert "main text" in extract(page).text


def test_the_longest_of_several_articles_is_the_main_one() -> None:
    page = f"<article>{BODY}</article><article>{BODY * 3}</article>"

    assert len(extract(page).text) > len(BODY) * 2


def test_a_hidden_article_is_not_taken_for_the_main_one() -> None:
    page = f"<article>{BODY}</article><div hidden><article>{'order ' * 200}</article></div>"

    assert "order" not in extract(page).text


def test_the_main_part_is_found_by_each_of_its_marks() -> None:
    for mark in ("role=main", "id=content", 'class="a entry-content"', "class=post-content"):
        page = f"<div>furniture</div><form><div {mark}>{BODY}</div></form>"
        assert extract(page).text.startswith("The main text")


def test_articles_within_articles_are_read_once() -> None:
    """Each read on its own made a page of 125 KB a matter of minutes."""
    page = "<article>word " * 5_000

    began = process_time()
    found = extract(page)

    assert found.text.count("word") == 5_000
    assert process_time() - began < 3


def test_no_depth_of_nesting_breaks_it() -> None:
    assert plain_text("<div>" * 20_000 + "deep" + "</div>" * 20_000) == "deep"


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    extract(text)
    extract(f"<article>{text}</article>")


@given(
    st.recursive(
        st.text(max_size=8),
        lambda inner: st.tuples(
            st.sampled_from(["p", "li", "h2", "script", "table", "article", "select", "b", "svg"]),
            st.lists(inner, max_size=4),
        ).map(lambda node: f"<{node[0]}>{''.join(node[1])}</{node[0]}>"),
        max_leaves=20,
    )
)
def test_any_tree_is_read_without_an_error(html: str) -> None:
    found = extract(html)

    assert found.text == found.text.strip()
    assert "\n\n\n" not in found.text
