"""A web page read as an article: its main text with headings and lists, without the furniture."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from harness.text.invisible import visible

FURNITURE = frozenset(
    re.findall(
        r"\w+",
        """script style noscript template svg head iframe object embed canvas nav footer aside form
    button select input textarea dialog menu audio video map""",
    )
)
BLOCKS = frozenset(
    re.findall(
        r"\w+",
        """address article blockquote br dd details div dl dt fieldset figcaption figure header hr
    li main ol p pre section summary table tr ul h1 h2 h3 h4 h5 h6""",
    )
)
ROLES = {"navigation", "banner", "contentinfo", "complementary", "search", "menu", "dialog"}
MARKS = {"li": "- ", **{f"h{level}": "#" * level + " " for level in range(1, 7)}}
MAIN_CLASSES = {"post-content", "entry-content"}
SHORTEST_MAIN = 200  # characters; a shorter one is a teaser and not the article
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0[^.\d]?")
_MARK = re.compile(r"(?:-|#{1,6})(?: |$)")


@dataclass(frozen=True)
class Article:
    """What there is to read on a page."""

    title: str
    text: str  # Markdown headings and lists, a blank line between blocks
    links: int  # in the part that was read


def extract(html: str) -> Article:
    """The main text of a page. Never raises: any text at all is some HTML.

    The parser takes time that grows with the square of the depth: see `read_article` for pages
    of strangers.
    """
    tree = LexborHTMLParser(html.replace("\x00", ""))
    if tree.body is None:
        return Article("", "", 0)
    root, text = tree.body, ""
    for candidate in main_parts(root):
        found = text_of(candidate)
        if len(found) > max(len(text), SHORTEST_MAIN):
            root, text = candidate, found
    return Article(title_of(tree), text or text_of(root), len(root.css("a[href]")))


def main_parts(body: LexborNode) -> Iterator[LexborNode]:
    """The outermost elements that are marked as the main text, and that a reader sees."""
    stack = [body]
    while stack:
        node = stack.pop()
        if is_main(node):
            yield node
        else:
            stack.extend(child for child in reversed(list(node.iter())) if not is_hidden(child))


def is_main(node: LexborNode) -> bool:
    attributes = node.attributes
    return (
        node.tag in {"article", "main"}
        or attributes.get("role") == "main"
        or attributes.get("id") == "content"
        or not MAIN_CLASSES.isdisjoint((attributes.get("class") or "").split())
    )


def title_of(tree: LexborHTMLParser) -> str:
    for selector in ("title", "h1"):
        node = tree.css_first(selector)
        if node is not None and (words := node.text(deep=True).split()):
            return visible(" ".join(words))[:300]
    return ""


def plain_text(html: str) -> str:
    """The readable text of a piece of HTML, without marks for headings and lists."""
    body = LexborHTMLParser(html.replace("\x00", "")).body
    return "" if body is None else text_of(body, marks={})


def text_of(root: LexborNode, marks: Mapping[str, str] = MARKS) -> str:
    """The readable text below a node, in the order of the page; `marks` stand before blocks."""
    pieces: list[str] = []
    stack: list[LexborNode | str] = [root]
    while stack:  # no recursion: pages nest deeper than Python's stack
        node = stack.pop()
        if isinstance(node, str):
            pieces.append(node)
        elif node.tag == "-text":
            pieces.append(re.sub(r"\s+", " ", node.text_content or ""))
        elif node.tag is not None and (node is root or is_content(node)):
            block = node.tag in BLOCKS
            if block:
                pieces.append("\n" + marks.get(node.tag, ""))
                stack.append("\n")
            stack.extend(reversed(list(node.iter(include_text=True))))
    return tidy("".join(pieces))


def is_content(node: LexborNode) -> bool:
    """Whether a reader sees the element and it belongs to the text."""
    if node.tag in FURNITURE or (node.attributes.get("role") or "").lower() in ROLES:
        return False
    return not is_hidden(node)


def is_hidden(node: LexborNode) -> bool:
    """Whether a reader does not see it: it is where orders to language models are put."""
    attributes = node.attributes
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    return bool(_HIDDEN_STYLE.search((attributes.get("style") or "").lower()))


def tidy(text: str) -> str:
    """One line per block; a mark that stands alone belongs to the text that follows it."""
    joined, before, mark = "", "", ""
    for line in (" ".join(line.split()) for line in visible(text).splitlines()):
        if not line or _MARK.fullmatch(line):
            mark = f"{line} " if line else mark
            continue
        line, mark = line if _MARK.match(line) else mark + line, ""
        both_listed = line.startswith("- ") and before.startswith("- ")
        joined += ("\n" if both_listed else "\n\n") + line
        before = line
    return joined.strip()
