"""One agent at one task: ask the model, do what it asks for, until it answers or must stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from harness.bus.port import Note, Outcome
from harness.clock import Clock
from harness.models.port import (
    BadReply,
    ChatRequest,
    Model,
    ModelError,
    ModelUnavailable,
    OnDelta,
    OverLimit,
    PromptTooLong,
    Reply,
    ToolCall,
    estimate_prompt,
)
from harness.session.breaker import Breaker
from harness.session.brief import Brief, Hands
from harness.session.calls import Calls, failed, together
from harness.session.compaction import Compactor, made_shorter
from harness.session.steps import (
    Compacted,
    Ended,
    NoteArrived,
    Reason,
    Replied,
    Step,
    Steps,
    ToolFinished,
    ToolStarted,
    TurnStarted,
)
from harness.session.stop import Stop
from harness.session.talk import Talk, clip
from harness.session.tally import Tally
from harness.session.watch import Watch
from harness.session.wording import wording
from harness.tools.tool import ToolResult

HOUSE = "harness"  # the sender of what the runtime itself says to the model
WRAP_UP_SHARE = 0.9  # of the time allowed: then the session is asked to sum up
LEFT_ALONE = {Reason.COMPLETED, Reason.CANCELLED, Reason.WAITING}  # by a stop from outside
SUMMED_UP = {Reason.MAX_TURNS, Reason.BUDGET, Reason.BREAKER, Reason.TIMEOUT}
QUOTED_CHARS = 1000  # of a reply that could not be read
CUT_ANSWER = "the answer breaks off: the model reached its limit of tokens"

Notes = Callable[[], Awaitable[Sequence[Note]]]  # those that came since it was last asked


async def no_notes() -> Sequence[Note]:
    """For a session that nobody speaks to."""
    return ()


class Session:
    """`steps()` tells what happens, as it happens. It stores, logs and delivers nothing.

    `on_delta` hears the words of each answer as they come, and None when those of the present one
    are void. Setting `cancel` ends it in good order. When the task that consumes the steps is
    itself cancelled, `owed()` has the steps that could not be yielded any more.
    """

    def __init__(
        self,
        brief: Brief,
        model: Model,
        tools: Hands,
        clock: Clock,
        *,
        notes: Notes = no_notes,
        cancel: asyncio.Event | None = None,
        on_delta: OnDelta | None = None,
    ) -> None:
        self.brief = brief
        self.model = model
        self.tools = tools
        self.clock = clock
        self.notes = notes
        self.on_delta = on_delta
        self.watch = Watch(clock, cancel or asyncio.Event())
        self.talk = Talk(brief.system, brief.opening, tools.specs)
        self.compactor = Compactor(model.context_tokens, brief.limits, self._shorten)
        self.calls = Calls(tools, self.watch)
        self.breaker = Breaker()
        self.tally = Tally()
        self.answer: Reply | None = None  # the latest reply, when it asked for no tool
        self.ended: Ended | None = None
        self._house_notes: list[str] = []  # what the runtime has to say before the next turn
        self._room = 0  # tokens that each result of the present turn may take
        self._repairing = False
        self._contract_told = False

    async def steps(self) -> AsyncGenerator[Step, None]:
        """Everything that happens; the last step is the one Ended. To be consumed once."""
        stop = Stop(Reason.COMPLETED)
        timeout, begun = self.brief.limits.timeout, self.clock.monotonic()
        async with self.watch:
            try:
                self.watch.allow(WRAP_UP_SHARE * timeout)
                self._recall(self.brief.past)
                async with aclosing(self._turns()) as turns:
                    async for step in turns:
                        yield step
            except Stop as early:
                stop = early
            if stop.reason in SUMMED_UP:
                self.watch.allow(timeout - (self.clock.monotonic() - begun))
                async with aclosing(self._sum_up(stop)) as last_words:
                    async for step in last_words:
                        yield step
        self.ended = self._end(stop)
        yield self.ended

    async def _turns(self) -> AsyncGenerator[Step, None]:
        if self.calls.open:  # those that an earlier attempt left
            async with aclosing(self._act(self.calls.open)) as acts:
                async for step in acts:
                    yield step
        while (news := await self._news()) or self.answer is None:
            for note in news:
                yield note
            self._begin_turn()
            self.compactor.context = self.model.context_tokens  # of the one that would answer now
            while shorter := await self.compactor.propose(self.talk):
                yield shorter.step
                self.talk.adopt(shorter.messages)
            yield TurnStarted(self.breaker.turns, self.talk.tokens)
            if (reply := await self._ask()) is None:
                continue
            yield Replied(self.breaker.turns, reply)
            async with aclosing(self._act(reply.message.tool_calls)) as acts:
                async for step in acts:
                    yield step
            self._judge()

    async def _act(self, calls: Sequence[ToolCall]) -> AsyncGenerator[Step, None]:
        """Make the calls in their order. Raises Stop at one that waits for a person: what comes
        after it may build on it."""
        for group in together(calls, self.tools.is_parallel):
            for call in group:
                yield ToolStarted(self.breaker.turns, call)
            results = await self.calls.run(group)
            for result in results:
                if not result.waits:
                    yield self._finish(result)
            if waiting := dict.fromkeys(result.waits for result in results if result.waits):
                raise Stop(Reason.WAITING, f"a person is asked: approval {', '.join(waiting)}")

    def _recall(self, past: Steps) -> None:
        """Come to where an earlier attempt stood when it began to wait."""
        for step in past:
            match step:
                case TurnStarted():
                    self._next_turn()
                case NoteArrived():
                    self._contract_told |= step.sender == HOUSE and self.answer is not None
                    self._hear(step.sender, step.text)
                case Replied():
                    self._count(step.reply)
                    self._take(step.reply)
                case ToolFinished():
                    self.tools.recall(self.calls.of(step.result), step.result)
                    self._finish(step.result)
                case Compacted():
                    self.talk.adopt(made_shorter(self.talk, step))

    async def _sum_up(self, stop: Stop) -> AsyncGenerator[Step, None]:
        """One constrained turn: no tools, and the reason why it must be the last."""
        self._house_notes.append(wording("sum_up", reason=stop.detail))
        for note in await self._news():
            yield note
        self.breaker = self.breaker.began()
        yield TurnStarted(self.breaker.turns, self.talk.tokens)
        try:
            room = self.breaker.left(self.brief.limits) - self.talk.tokens
            reply = await self._chat(self._asking(room, tools=False), self.on_delta)
        except (BadReply, PromptTooLong, Stop):
            self._unsay()
            return  # what is known already must do
        self._take(reply)
        self.answer = reply if reply.message.content.strip() else None
        yield Replied(self.breaker.turns, reply)
        for call in reply.message.tool_calls:
            yield self._finish(failed(call, "no tool can be called in the last turn"))

    def owed(self, why: str = "stopped from outside, at once") -> list[Step]:
        """What is missing after the steps that were consumed: a result for each open call,
        and the end. Empty once the session has ended."""
        if self.ended is not None:
            return []
        results = [ToolFinished(self.breaker.turns, r) for r in self.calls.unanswered()]
        return [*results, self._end(Stop(Reason.CANCELLED, why))]

    async def _news(self) -> list[NoteArrived]:
        """What there is to tell the model before its next turn; the conversation has it."""
        house, self._house_notes = self._house_notes, []
        notes = await self.notes()
        for text in house:
            self._hear(HOUSE, text)
        for note in notes:
            self._hear(note.sender, note.text)
        return [
            *(NoteArrived(HOUSE, text) for text in house),
            *(NoteArrived(note.sender, note.text) for note in notes),
        ]

    def _hear(self, sender: str, text: str) -> None:
        self.tools.hear(sender, text)
        self.talk.tell(text if sender == HOUSE else f"Note from {sender}:\n\n{text}")

    def _begin_turn(self) -> None:
        self.watch.check()
        if stop := self.breaker.verdict(self.brief.limits, self.talk.tokens):
            raise stop
        self._next_turn()

    def _next_turn(self) -> None:
        self.breaker = self.breaker.began()
        self.answer = None

    async def _ask(self) -> Reply | None:
        """The model's reply, or None when something must change before there can be one."""
        try:
            room = self.breaker.room(self.brief.limits, self.talk.tokens)
            reply = await self._chat(self._asking(room), self.on_delta)
        except PromptTooLong:
            self._unsay()
            self.compactor.urgent = True
            return None
        except BadReply as bad:
            self._unsay()
            self._ask_for_repair(bad)
            return None
        self._repairing = False
        self._take(reply)
        return reply

    def _asking(self, room: int, *, tools: bool = True) -> ChatRequest:
        """The next question, with an answer of at most `room` tokens. Raises Stop when that is
        none: a call that does not fit into the budget is not made."""
        if room <= 0:
            raise Stop(Reason.BUDGET, f"the budget of {self.brief.limits.tokens} tokens is spent")
        request = self.talk.request(tools=tools)
        if room >= self.model.context_tokens - self.talk.tokens:
            return request
        return replace(request, max_tokens=room)

    async def _shorten(self, request: ChatRequest) -> Reply:
        """Ask for a summary, unless summing up would not fit into the budget behind it."""
        costs = estimate_prompt(request) + (request.max_tokens or 0)
        if costs > self.breaker.left_beside(self.brief.limits, self.talk.tokens):
            told = f"the budget of {self.brief.limits.tokens} tokens leaves none to make room with"
            raise Stop(Reason.BUDGET, told)
        return await self._chat(request)

    def _unsay(self) -> None:
        if self.on_delta is not None:
            self.on_delta(None)

    async def _chat(self, request: ChatRequest, on_delta: OnDelta | None = None) -> Reply:
        """Ask and count. Raises BadReply and PromptTooLong, and Stop for all else."""
        try:
            reply = await self.watch.result(self.model.chat(request, on_delta))
        except (BadReply, PromptTooLong):
            raise
        except OverLimit as error:
            raise Stop(Reason.BUDGET, "; ".join(filter(None, (str(error), error.hint)))) from error
        except ModelUnavailable as error:
            raise Stop(Reason.MODEL_UNAVAILABLE, str(error), retry=True) from error
        except ModelError as error:
            raise Stop(Reason.MODEL_ERROR, str(error)) from error
        self._count(reply)
        if reply.finish == "length" and is_silent(reply):
            raise BadReply("it was cut off before its first word", raw="")
        return reply

    def _count(self, reply: Reply) -> None:
        self.tally.count(reply)
        self.breaker = self.breaker.spent(reply.usage)

    def _take(self, reply: Reply) -> None:
        calls = reply.message.tool_calls
        self.answer = None if calls else reply
        self.talk.learn(reply.usage)
        self.talk.reply(reply.message)
        share = self.brief.limits.result_share * self.model.context_tokens
        left = self.breaker.left_beside(self.brief.limits, self.talk.tokens)
        room = min(share, self.talk.unscaled(left))
        self._room = int(max(room, 0) / max(len(calls), 1))
        self.calls.expect(calls)

    def _finish(self, result: ToolResult) -> ToolFinished:
        """Give the next open call its result."""
        self.talk.answer(result, self._room)
        self.breaker = self.breaker.tried(self.calls.answered(result), result)
        return ToolFinished(self.breaker.turns, result)

    def _ask_for_repair(self, bad: BadReply) -> None:
        if self._repairing:
            raise Stop(Reason.BAD_REPLY, str(bad), retry=True) from bad
        self._repairing = True
        quote = f"It read:\n\n{clip(bad.raw, QUOTED_CHARS)}\n\n" if bad.raw else ""
        self._house_notes.append(wording("repair", fault=bad, quote=quote))

    def _judge(self) -> None:
        """Hold an answer against its contract; it may be repaired once."""
        findings = self.brief.contract(self.answer.message.content) if self.answer else ()
        if not findings:
            return
        if self._contract_told:
            raise Stop(Reason.CONTRACT, "; ".join(findings))
        self._contract_told = True
        listed = "\n".join(f"- {finding}" for finding in findings)
        self._house_notes.append(wording("contract", findings=listed))

    def _end(self, stop: Stop) -> Ended:
        if self.watch.cancel.is_set() and stop.reason not in LEFT_ALONE:
            stop = Stop(Reason.CANCELLED, "the task was taken away")
        text = self.answer.message.content if self.answer else self.talk.known()
        cut = self.answer is not None and self.answer.finish == "length"
        outcome = outcome_of(stop.reason, text, cut=cut)
        detail = stop.detail or (CUT_ANSWER if cut else self.tally.notice)
        retry = stop.retry and outcome is Outcome.FAILED
        result = self.tally.result(text, steps=self.breaker.turns + self.calls.finished)
        return Ended(stop.reason, outcome, result, detail, retry)


def outcome_of(reason: Reason, text: str, *, cut: bool = False) -> Outcome:
    """What an end for `reason` with that text is worth; `cut`: the text breaks off."""
    match reason:
        case Reason.COMPLETED:
            return Outcome.PARTIAL if cut else Outcome.DONE
        case Reason.CANCELLED:
            return Outcome.CANCELLED
        case (
            Reason.MAX_TURNS | Reason.BUDGET | Reason.BREAKER | Reason.TIMEOUT | Reason.CONTRACT
        ) if text:
            return Outcome.PARTIAL
        case _:
            return Outcome.FAILED


def is_silent(reply: Reply) -> bool:
    """Whether it says nothing and asks for nothing."""
    return not reply.message.content.strip() and not reply.message.tool_calls
