"""What a session has read by its calls and notes, told to its taint."""

from __future__ import annotations

from harness.permission.action import Trait
from harness.permission.taint import Taint
from harness.text.fence import has_fence
from harness.tools.tool import Tool, ToolResult

PERSON = "person"  # the sender of what a person says (bus/port.py, Request)


def heard(taint: Taint, sender: str, text: str) -> None:
    """A note was read: a person's words may go out again, a stranger's stay theirs, and those of
    an agent that read no stranger's are the house's own."""
    if has_fence(text):
        taint.read_kept(sender, text)
    elif sender == PERSON:
        taint.read_open(text)
    else:
        taint.read_addresses(text)
        taint.read_private(text)


def returned(taint: Taint, tool: Tool | None, result: ToolResult, text: str) -> None:
    """A call gave `text`, of which the result shows as much as fits."""
    traits = tool.traits if tool else frozenset()
    if not result.ok:
        taint.mark(result.source)
    elif result.source and is_first_hand(tool):
        taint.read_outside(result.source, text)
    elif result.source and tool is not None and tool.keeps:
        taint.read_kept(result.source, text)
    elif result.source:
        taint.read_notes(result.source, text)
    elif Trait.READS_PRIVATE in traits:
        taint.read_private(text)


def is_first_hand(tool: Tool | None) -> bool:
    """Whether a tool's words come straight from a stranger, and none of them from the house."""
    traits = tool.traits if tool else frozenset()
    return Trait.READS_UNTRUSTED in traits and Trait.READS_PRIVATE not in traits
