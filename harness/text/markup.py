"""HTML read as text, and text made safe inside Markdown."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

SILENT = frozenset({"script", "style", "noscript", "template", "svg", "head", "iframe", "object"})
BLOCKS = frozenset(
    re.findall(
        r"\S+",
        """address article aside blockquote br dd details div dl dt fieldset figcaption figure
    footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tr ul""",
    )
)
_OPENING = re.compile(r"<[a-zA-Z!/]")
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]+);")
_MARKDOWN = re.compile(r"([\\`*\[\]<])")


def html_to_text(html: str) -> str:
    """The readable text of `html`, a line per block; plain text comes back unharmed."""
    if not looks_like_html(html):
        return _tidy(html)
    body = LexborHTMLParser(html.replace("\x00", "")).body
    if body is None:
        return ""
    pieces: list[str] = []
    _collect(body, pieces)
    return _tidy("".join(pieces))


def looks_like_html(text: str) -> bool:
    """Whether there is a tag in the text, or an entity."""
    opening = _OPENING.search(text)
    tag = opening is not None and text.find(">", opening.end()) >= 0
    return tag or _ENTITY.search(text) is not None


def escape_markdown(text: str) -> str:
    """`text` on one line, with nothing in it that Markdown would read as a link, code or tag."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _collect(root: LexborNode, pieces: list[str]) -> None:
    """Depth first without recursion: feeds hold pages nested deeper than Python's stack."""
    stack: list[LexborNode | str] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            pieces.append(node)
        elif node.tag == "-text":
            pieces.append(re.sub(r"\s+", " ", node.text_content or ""))
        elif node.tag is not None and node.tag not in SILENT:
            block = node.tag in BLOCKS
            if block:
                pieces.append("\n")
                stack.append("\n")
            stack.extend(reversed(list(node.iter(include_text=True))))


def _tidy(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)
