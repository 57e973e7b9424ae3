"""Asks an agent's model to word a rule or to shorten one; what it says is checked by others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import structlog

from harness.memory.learning import Learning
from harness.models.port import ChatRequest, Message, Model, ModelError, Role
from harness.services.night.purse import Purse
from harness.session.watch import Watch
from harness.session.wording import wording
from harness.text.invisible import visible

log = structlog.get_logger("reflection")

LONGEST_REPLY = 200  # tokens
LONGEST_EVIDENCE = 6_000  # characters of an entry that the model is shown
NO_WORDS = ("extractive/", "scripted/", "none/")  # models that cannot word anything
AWAY = "no language model answered"
SPENT = "the tokens of `memory.reflection` were spent"


@dataclass
class Wordsmith:
    """One agent's model, for one run. Every text comes back as one line, or not at all."""

    model: Model | None
    purse: Purse
    watch: Watch

    async def rule(self, learning: Learning, faults: Sequence[str] = ()) -> str | None:
        """The rule that an entry comes to; `faults` are those of the try before. None when no
        model can be asked. Raises Stop when the run was cut off."""
        task = wording("rule", entry=quoted(shown(learning)))
        return await self._ask(task, faults)

    async def shorter(self, line: str, faults: Sequence[str] = ()) -> str | None:
        """A memory line in fewer words; else as `rule`."""
        return await self._ask(wording("shorter", line=quoted(line)), faults)

    async def _ask(self, task: str, faults: Sequence[str]) -> str | None:
        again = wording("rule_again", faults="\n".join(f"- {fault}" for fault in faults))
        text = f"{task}\n\n{again}" if faults else task
        request = ChatRequest((Message(Role.USER, text),), temperature=0, max_tokens=LONGEST_REPLY)
        if self.model is None or self.model.name.startswith(NO_WORDS):
            return self._do_without(AWAY)
        if not self.purse.affords(request):
            return self._do_without(SPENT)
        try:
            reply = await self.watch.result(self.model.chat(request))
        except ModelError as error:
            log.warning("a rule is worded without a model", reason=str(error))
            return self._do_without(AWAY)
        self.purse.pay(reply)
        if reply.model.startswith(NO_WORDS):
            return self._do_without(AWAY)
        return as_line(reply.message.content)

    def _do_without(self, why: str) -> str | None:
        """Nobody is asked; the report will say so."""
        self.purse.did_without = self.purse.did_without or why
        return None


def shown(learning: Learning) -> str:
    """What a model is shown of an entry: what the entry says, and nothing else of the house."""
    fields = (learning.title, learning.summary, learning.fix, learning.evidence)
    text = "\n".join(dict.fromkeys(field.strip() for field in fields if field.strip()))
    return text[:LONGEST_EVIDENCE]


def quoted(text: str) -> str:
    """Each line behind a `>`: material, whatever it says."""
    return "\n".join(f"> {line}" for line in visible(text).splitlines())


def as_line(reply: str) -> str:
    """A reply without the bullet, quotes and fences that models put round a line."""
    lines = [line.strip() for line in visible(reply).strip().strip("`").splitlines()]
    text = " ".join(filter(None, lines)).strip()
    for mark in chain(("- ", "* ", "> "), ("Rule: ", "rule: ")):
        text = text.removeprefix(mark)
    return text.strip("\"'` ")
