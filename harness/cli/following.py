"""A task while it happens: its steps and the model's words, on a terminal or as lines of JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from harness.cli.output import clean, note, plain, say, short
from harness.config.home import Home
from harness.services.ear import Ear

REST_SECONDS = 1.0  # for the last words of an attempt that is over
FIRST_SECONDS = 0.1  # for the first, when it was over at once

Facts = Mapping[str, Any]  # of a happening, as services.happening.shape makes them


class Following:
    """Waits beside a task, and shows what is heard of it meanwhile: nothing without a `show`."""

    def __init__(self, home: Home, task: str, show: Show | None) -> None:
        self.home, self.task, self.show = home, task, show
        self._ear: Ear | None = None
        self._under_way = False

    def __enter__(self) -> Following:
        if self.show is not None:
            try:
                self._ear = Ear(self.home.listeners, self.task)
            except OSError as error:  # what it is all about is the answer
                note(f"what happens meanwhile cannot be shown: {error}")
        return self

    def __exit__(self, *_: object) -> None:
        self.settle()
        if self._ear is not None:
            self._ear.close()

    def pause(self, seconds: float) -> None:
        """Show what comes next; return after `seconds` when nothing does."""
        if self._ear is None or self.show is None:
            time.sleep(seconds)
            return
        for facts in self._ear.hear(seconds):
            self._under_way = facts["type"] != "ended"
            self.show(facts)

    def rest(self) -> None:
        """Show what is still to come of an attempt that is over."""
        if self._ear is None:
            return
        self.pause(FIRST_SECONDS)
        until = time.monotonic() + REST_SECONDS
        while self._under_way and time.monotonic() < until:
            self.pause(FIRST_SECONDS)

    def settle(self) -> None:
        """Somebody else writes a line now."""
        if isinstance(self.show, Screen):
            self.show.settle()


class Screen:
    """Shows to a person: a line for each step, words as they come."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._in_words = False
        self._dims = stream.isatty() and "NO_COLOR" not in os.environ

    def __call__(self, facts: Facts) -> None:
        if facts["type"] == "said":
            self._write(clean(facts["text"]))
            self._in_words = not facts["text"].endswith("\n")
        elif line := line_of(facts):
            self.settle()
            self._write(f"  {short(clean(line), 160)}\n")

    def settle(self) -> None:
        """End the line of words, if they are in the middle of one."""
        if self._in_words:
            self._write("\n")
            self._in_words = False

    def _write(self, text: str) -> None:
        self.stream.write(f"\x1b[2m{text}\x1b[0m" if self._dims else text)
        self.stream.flush()


def print_json(facts: Facts) -> None:
    """Show to a program: one object a line, on stdout."""
    say(json.dumps(facts, ensure_ascii=False, default=plain))


Show = Screen | Callable[[Facts], None]


def who_sees(*, asked: bool | None, as_json: bool) -> Show | None:
    """Who is shown what happens while somebody waits: by itself a person at a terminal, who has
    not asked for JSON."""
    if asked is None:
        asked = sys.stderr.isatty() and not as_json
    if not asked:
        return None
    return print_json if as_json else Screen(sys.stderr)


def line_of(facts: Facts) -> str:
    """What happened, for a person; empty for what says nothing new."""
    match facts["type"]:
        case "turn":
            return f"turn {facts['turn']}"
        case "call":
            return f"{facts['name']} {arguments_of(facts)}".rstrip()
        case "result":
            told = f": {facts['text']}" if facts["text"] else ""
            return f"{facts['name']} {'ok' if facts['ok'] else 'failed'}{told}"
        case "note":
            return f"note from {facts['sender']}: {facts['text']}"
        case "compacted":
            return "the conversation was made shorter"
        case "void":
            return "that is void: the answer begins anew"
        case "missed":
            return f"… missed here: {facts['chars']} characters, {facts['steps']} steps"
        case "ended":
            detail = f": {facts['detail']}" if facts["detail"] else ""
            return f"attempt {facts['attempt']} ended, {facts['reason']}{detail}"
        case _:
            return ""


def arguments_of(facts: Facts) -> str:
    return " ".join(f"{name}={value}" for name, value in facts.get("arguments", {}).items())
