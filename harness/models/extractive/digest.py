"""The digest in Markdown. Every word of an item is its feed's own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from harness.models.extractive.feeds import Check, Reading
from harness.models.extractive.stories import Story
from harness.text.markup import escape_markdown, html_to_text
from harness.text.sentences import lead
from harness.text.urls import link_target
from harness.text.words import clip, terms

DEGRADED = "> Degraded: extracted without a language model; quoted, not written."
OTHERS = "Other"
ALSO = 3  # further sources named with an item
LEAD_WORDS = 5  # a summary with fewer says nothing
REASON_CHARS = 120


@dataclass(frozen=True)
class Digest:
    """Everything that goes into it. The stories come in the order of their rank."""

    stories: Sequence[Story]
    reading: Reading
    checks: Mapping[str, Check] = field(default_factory=dict)
    checked: bool = False  # whether links were checked at all
    notes: Sequence[str] = ()


def write(digest: Digest, now: datetime, day: date | None = None) -> str:
    """The digest as Markdown. `day` is the reader's date, where it is known."""
    parts = [f"# Digest, {day or now.date()}"]
    if not digest.stories:
        parts.append(nothing(digest.reading))
    number = 0
    for name, stories in groups(digest.stories):
        if name:
            parts.append(f"## {escape_markdown(name)}")
        lines = []
        for story in stories:
            number += 1
            lines.append(item(number, story, digest, now))
        parts.append("\n".join(lines))
    parts += [quoted(note) for note in digest.notes]
    parts += missing(digest.reading)
    parts += [footer(digest), DEGRADED]
    return "\n\n".join(parts)


def item(number: int, story: Story, digest: Digest, now: datetime) -> str:
    """One story: headline, who tells it, when, its labels, and its first sentences."""
    facts = [" · ".join([told_by(story), when(story, now), *labels(story, digest)])]
    first = f"{number}. {headline(story)} — {facts[0]}"
    sentences = opening(story)
    return f"{first}\n   {escape_markdown(sentences)}" if sentences else first


def headline(story: Story) -> str:
    title = escape_markdown(story.lead.title)
    return f"[{title}]({link_target(story.lead.url)})" if is_link(story.lead.url) else title


def told_by(story: Story) -> str:
    """The publisher, then others with their links."""
    publisher = escape_markdown(story.lead.source) or "unnamed source"
    others = {entry.source: entry for entry in reversed(story.entries) if entry.source}
    others.pop(story.lead.source, None)
    named = [entry for entry in story.entries if others.get(entry.source) is entry][:ALSO]
    also = ", ".join(
        f"[{escape_markdown(entry.source)}]({link_target(entry.url)})"
        if is_link(entry.url)
        else escape_markdown(entry.source)
        for entry in named
    )
    rest = f" and {len(others) - ALSO} more" if len(others) > ALSO else ""
    return f"{publisher}, also: {also}{rest}" if also else publisher


def when(story: Story, now: datetime) -> str:
    """The date, and the age in words."""
    if story.published is None:
        return "undated"
    return f"{story.published.date()}, {age(now - story.published)}"


def age(past: timedelta) -> str:
    minutes = past // timedelta(minutes=1)
    if minutes < -60:
        return "dated ahead"
    if minutes < 60:
        return "within the hour"
    if minutes < 48 * 60:
        hours = minutes // 60
        return f"{hours} hour{'s' if hours > 1 else ''} ago"
    return f"{minutes // (24 * 60)} days ago"


def labels(story: Story, digest: Digest) -> list[str]:
    found = []
    check = digest.checks.get(story.lead.url)
    if digest.checked and not (check and check.ok):
        found.append("`unverified`")
    if len(story.sources) < 2:
        found.append("`single-source`")
    return found


def opening(story: Story) -> str:
    """The first sentences of the first of its entries that has some to say."""
    for entry in story.entries:
        text = lead(html_to_text(entry.summary))
        new = terms(text) - terms(entry.title)
        if len(text.split()) >= LEAD_WORDS and new:
            return text
    return ""


def groups(stories: Sequence[Story]) -> Iterator[tuple[str, list[Story]]]:
    """By the first tag of the lead, best group first; what stands alone goes under Other.

    Without tags, or with a single group, there are no headings.
    """
    by_tag: dict[str, list[Story]] = defaultdict(list)
    for story in stories:
        by_tag[next(iter(story.lead.tags), "")].append(story)
    sections = {tag: group for tag, group in by_tag.items() if tag and len(group) > 1}
    if len(sections) < 2:
        yield from [("", list(stories))] if stories else []
        return
    yield from sections.items()
    kept = {id(story) for group in sections.values() for story in group}
    if rest := [story for story in stories if id(story) not in kept]:
        yield OTHERS, rest


def nothing(reading: Reading) -> str:
    if reading.feeds and not reading.answered:
        return f"No news: none of the {reading.feeds} feeds answered."
    if reading.feeds:
        return f"No news: {reading.answered} of {reading.feeds} feeds answered, with no entry."
    return "No news: the feeds gave no entries."


def missing(reading: Reading) -> list[str]:
    """The section that names the feeds which failed, or nothing."""
    if not reading.failed:
        return []
    lines = [f"- {escape_markdown(failure(*pair))}" for pair in reading.failed]
    return ["## Missing", "\n".join(lines)]


def failure(name: str, reason: str) -> str:
    return f"{name or 'a feed'}: {clip(reason, REASON_CHARS)}" if reason else name


def footer(digest: Digest) -> str:
    reading = digest.reading
    read = len(reading.entries)
    entries = f"{read} entries" if read == reading.items else f"{read} of {reading.items} entries"
    feeds = f"{reading.answered} of {reading.feeds} feeds answered"
    told = f"{len(digest.stories)} items from {entries}; {feeds}"
    if not digest.checked:
        return f"{told}; links were not checked."
    answered = sum(1 for check in digest.checks.values() if check.ok)
    return f"{told}; {len(digest.checks)} links checked, {answered} answered."


def quoted(text: str) -> str:
    """Somebody's words as a block quote."""
    lines = clip(text.strip(), 2000).splitlines()
    return "\n".join(f"> {escape_markdown(line)}".rstrip() for line in lines)


def is_link(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))
