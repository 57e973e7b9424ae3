"""A home full of notes: words that are as frequent as in a language, the same for the same seed."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

AGENTS = ("scout", "macro", "zoe", "ainews", "editor", "ledger", "garden", "radio")
LINES = 25  # of one agent's log of one day
VOCABULARY = 20_000
FIRST = date(2025, 1, 1)
SOUL = "---\nname: {name}\ndescription: Does {name}.\ntools: [memory]\n---\nYou note.\n"
SETTINGS = "models: {default: offline, profiles: {offline: {provider: extractive}}}\n"
OPENINGS = ("Noted that", "The person said:", "Checked", "It turns out that", "From now on")
ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "br", "st", "tr", "kl")
VOWELS = ("a", "e", "i", "o", "u", "ai", "ou")


class Words:
    """Draws words, the n-th most frequent one n times as seldom as the first (Zipf)."""

    def __init__(self, seed: int) -> None:
        self.source = random.Random(seed)
        syllables = [onset + vowel for onset in ONSETS for vowel in VOWELS]
        long = ["".join(parts) for parts in itertools.product(syllables, repeat=3)]
        pairs = ["".join(parts) for parts in itertools.product(syllables, repeat=2)]
        made = [
            *syllables,
            *self.source.sample(pairs, 5_000),
            *self.source.sample(long, VOCABULARY),
        ]
        self.known = made[:VOCABULARY]  # frequent words are short
        self.weights = list(itertools.accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))

    def some(self, count: int) -> list[str]:
        return self.source.choices(self.known, cum_weights=self.weights, k=count)

    def line(self) -> str:
        """A note of 9 to 25 words, mostly with a name and a number in it."""
        words = self.some(self.source.randint(8, 22))
        name, number = self.some(1)[0].capitalize(), self.source.randint(2, 9_999)
        return f"{self.source.choice(OPENINGS)} {name} {' '.join(words)} {number}."


def write_home(root: Path, units: int, agents: Sequence[str] = AGENTS, seed: int = 7) -> int:
    """Fill a home with daily logs of these agents; the number of its files of notes."""
    (root / "cron.yaml").write_text("jobs: {}\n")
    (root / "harness.yaml").write_text(SETTINGS)
    for name in agents:
        (root / "agents" / name).mkdir(parents=True)
        (root / "agents" / name / "SOUL.md").write_text(SOUL.format(name=name))
        (root / "memory" / name).mkdir(parents=True)
    files = 0
    for path, text in logs(root, units, agents, Words(seed)):
        path.write_text(text)
        files += 1
    return files


def logs(root: Path, units: int, agents: Sequence[str], words: Words) -> Iterator[tuple[Path, str]]:
    """The files, day by day, each with LINES notes as the tool `memory` writes them."""
    left = units
    for number in itertools.count():
        day = FIRST + timedelta(number // len(agents))
        count = min(LINES, left)
        notes = (f"- {9 + row // 6:02}:{row % 6}0Z {words.line()}" for row in range(count))
        text = "\n".join([f"# {day}", "", *notes, ""])
        yield root / "memory" / agents[number % len(agents)] / f"{day}.md", text
        left -= count
        if not left:
            return
