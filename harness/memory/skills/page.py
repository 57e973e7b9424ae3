"""The two pages of a proposed skill: its SKILL.md, and what it rests on. No model words them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.config.document import Document, check
from harness.errors import ConfigError
from harness.memory.learning import Learning
from harness.memory.skills.grounds import Ground
from harness.text.words import clip

LONGEST_DESCRIPTION = 1_000
LONGEST_TITLE = 60


@dataclass(frozen=True)
class Evidence:
    """What a proposal rests on, as its EVIDENCE.md says."""

    why: str
    entries: tuple[str, ...]  # `agent/ID`


class EvidenceMatter(BaseModel):
    """The front matter of an EVIDENCE.md."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    why: str = ""
    entries: list[str] = []


def skill_page(ground: Ground, day: date) -> str:
    """A SKILL.md in which each rule is a step."""
    steps = [f"{number}. {step}" for number, step in enumerate(ground.steps, start=1)]
    front = {
        "name": ground.name,
        "description": description(ground),
        "metadata": {"source": "learnings", "proposed": str(day)},
    }
    title = clip(ground.topic, LONGEST_TITLE)
    said = "What the crew learned from its own work. Go through it before you begin."
    return page(front, [f"# {title[0].upper()}{title[1:]}", "", said, "", *steps])


def description(ground: Ground) -> str:
    """What it is about, when to use it, and the first of its rules."""
    use = f"Rules that the crew learned about {ground.topic}. Use it before you work on that."
    return clip(f"{use} {ground.steps[0]}", LONGEST_DESCRIPTION)


def evidence_page(ground: Ground, day: date) -> str:
    """Which entries each step rests on, for a person who decides."""
    front = {
        "skill": ground.name,
        "why": ground.why,
        "entries": [f"{each.learning.agent}/{each.learning.id}" for each in ground.lessons],
    }
    lines = ["# Evidence", "", f"Proposed on {day}: {ground.why}."]
    for number, step in enumerate(ground.steps, start=1):
        lines += ["", f"{number}. {step}"]
        lines += [f"   - {told(each.learning)}" for each in ground.lessons if each.text == step]
    return page(front, lines)


def told(learning: Learning) -> str:
    """One entry: whose, how often, when, where."""
    days = f", {learning.first_seen} to {learning.last_seen}" if learning.first_seen else ""
    return (
        f"{learning.agent} {learning.id} ({learning.status}): seen {learning.count}x in"
        f" {len(learning.tasks)} tasks{days}; {learning.path}:{learning.line}"
    )


def page(front: Mapping[str, object], lines: list[str]) -> str:
    """Front matter and text; JSON values are YAML, whatever they hold."""
    matter = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items()]
    return "\n".join(["---", *matter, "---", "", *lines, ""])


def read_evidence(path: Path) -> Evidence | None:
    """What an EVIDENCE.md says, as a person may have edited it; None when it says nothing."""
    try:
        matter = check(Document.read_front(path), EvidenceMatter)
    except ConfigError:
        return None
    return None if isinstance(matter, list) else Evidence(matter.why, tuple(matter.entries))
