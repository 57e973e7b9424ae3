"""Live: whoever wants to hears what happens in a task while it happens."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

import structlog

from harness.errors import Held
from harness.services.happening import Ended, Happening, Missed, Said, StepTaken, Void, outline
from harness.services.listener import Listener
from harness.session import steps
from harness.session.steps import Step
from harness.text.secrets import Redactor
from harness.text.veil import Curtain, Veil

log = structlog.get_logger("live")

LISTENERS = 100  # in all: what waits for them together is bounded too
NOTHING = Said("")
PAST = 200  # steps of a running attempt that a listener who comes late is told


class Live:
    """Brings together those who tell of tasks and those who listen; in one event loop."""

    def __init__(self) -> None:
        self._audiences: dict[str, list[Listener]] = {}
        self._speakers: dict[str, Speaker] = {}

    @asynccontextmanager
    async def listen(self, task: str) -> AsyncIterator[Listener]:
        """What happens in the task from now on, and the running attempt so far: `async for
        happening in listener`. It goes on over all attempts, until its holder leaves.

        Whether the task is over, the bus says: ask it after this, not before. Raises Held when
        there are too many listeners.
        """
        listener = self._admit(task)
        try:
            yield listener
        finally:
            self._audiences[task].remove(listener)
            self._tidy(task)

    def speaker(
        self, task: str, attempt: int, redactor: Redactor, veil: Callable[[], Veil]
    ) -> Speaker:
        """One who tells of an attempt, to be used in a `with` block. `veil` is asked for each
        answer what may be shown of it."""
        return Speaker(self, task, attempt, redactor, veil)

    def enter(self, speaker: Speaker) -> list[Listener]:
        """The listeners of the speaker's task, now and later."""
        self._speakers[speaker.task] = speaker
        return self._audiences.setdefault(speaker.task, [])

    def leave(self, speaker: Speaker) -> None:
        if self._speakers.get(speaker.task) is speaker:
            del self._speakers[speaker.task]
        self._tidy(speaker.task)

    def _admit(self, task: str) -> Listener:
        if sum(map(len, self._audiences.values())) >= LISTENERS:
            raise Held(f"{LISTENERS} others listen already", hint="try again later")
        listener = Listener()
        if speaker := self._speakers.get(task):
            speaker.welcome(listener)
        self._audiences.setdefault(task, []).append(listener)
        return listener

    def _tidy(self, task: str) -> None:
        if task not in self._speakers and not self._audiences.get(task):
            self._audiences.pop(task, None)


class Speaker:
    """Tells those who listen of one attempt; where nobody does, it only remembers.

    Nothing that goes wrong in telling reaches who is told of.
    """

    def __init__(
        self, live: Live, task: str, attempt: int, redactor: Redactor, veil: Callable[[], Veil]
    ) -> None:
        self.task = task
        self._live, self._attempt = live, attempt
        self._redactor, self._new_veil = redactor, veil
        self._audience: list[Listener] = []
        self._past: deque[Step] = deque(maxlen=PAST)
        self._steps = 0
        self._ended = False
        self._begin_answer()

    def __enter__(self) -> Speaker:
        self._audience = self._live.enter(self)
        return self

    def __exit__(self, *_: object) -> None:
        if not self._ended:
            self._tell(Ended(self._attempt, "broke_off", ""))
        self._live.leave(self)

    def hear(self, piece: str | None) -> None:
        """The next words of an answer; None: those that came of it are void."""
        if piece is None:
            self._begin_answer()
            self._tell(Void())
            return
        self._pieces.append(piece)
        if self._audience:
            self._tell(Said(self._news()))

    def step(self, step: Step) -> None:
        """The session took a step; the answer under way, if there is one, is whole."""
        if isinstance(step, steps.Ended):  # it may still be held back: see `end`
            return
        if self._audience:
            self._tell(Said(self._news(last=True)))
            self._tell(*self._outlines([step]))
        self._begin_answer()
        self._past.append(step)
        self._steps += 1

    def end(self, ended: steps.Ended) -> None:
        """The attempt is over, and this is what is recorded of it."""
        self._ended = True
        detail = self._redactor.text(ended.detail)
        self._tell(Ended(self._attempt, ended.reason, ended.outcome, detail))

    def welcome(self, listener: Listener) -> None:
        """Tell one who comes late what happened so far."""
        if before := self._steps - len(self._past):
            listener.put(Missed(steps=before))
        for happening in self._outlines(self._past):
            listener.put(happening)
        self._tell(Said(self._news()))
        if self._shown:
            listener.put(Said("".join(self._shown)))

    def _begin_answer(self) -> None:
        self._pieces: list[str] = []  # of the present answer: came, and not looked at yet
        self._shown: list[str] = []  # of it: may be told, and was to those who listened
        self._veil: Veil | None = None

    def _news(self, *, last: bool = False) -> str:
        """What may be told of the words that came since this was last asked."""
        try:
            return self._unveiled(last=last)
        except Exception:  # the boundary: who speaks must not suffer from who listens
            log.exception("words cannot be told", task=self.task)
            self._veil, self._new_veil = Curtain(), Curtain
            return ""

    def _unveiled(self, *, last: bool) -> str:
        if not self._pieces and self._veil is None:
            return ""
        veil = self._veil = self._veil or self._new_veil()
        came, self._pieces = "".join(self._pieces), []
        text = veil.add(came) + (veil.end() if last else "")
        self._shown.append(text)
        return text

    def _outlines(self, taken: Collection[Step]) -> list[Happening]:
        try:
            return [StepTaken(outline(step, self._redactor)) for step in taken]
        except Exception:  # the boundary, as above
            log.exception("steps cannot be told", task=self.task)
            return [Missed(steps=len(taken))]

    def _tell(self, *happenings: Happening) -> None:
        for happening in happenings:
            if happening != NOTHING:
                for listener in self._audience:
                    listener.put(happening)
