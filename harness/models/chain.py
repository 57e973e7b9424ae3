"""Several models in a row: the first that answers, answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.clock import Clock
from harness.models.port import (
    ChatRequest,
    Model,
    ModelBusy,
    ModelError,
    ModelUnable,
    ModelUnavailable,
    OnDelta,
    OverLimit,
    Reply,
)
from harness.models.rest import Call, Rest

BUSY_SECONDS = (1.0, 3.0, 6.0)  # before the second, third and fourth try of a busy server
LONGEST_WAIT = 30.0  # seconds: a server that is busy for longer counts as away


@dataclass(frozen=True)
class Link:
    """A model as a place in chains; chains that share a link know the same of its rest."""

    model: Model
    rest: Rest
    over_limit: Literal["fallback", "refuse"] = "fallback"  # what an OverLimit of it means


class FallbackModel:
    """Asks its models in order; what is not the first's reply is marked as degraded.

    A model found away rests, and meanwhile the others answer; when its rest is over, one caller
    tries it. Only when all others have failed is it asked all the same. A busy one is asked a
    few times more before it counts as away. Errors that another model would meet as well are not
    tried on another.
    """

    def __init__(self, links: Sequence[Link | Model], clock: Clock) -> None:
        if not links:
            raise ValueError("a chain needs at least one model")
        self.links = [each if isinstance(each, Link) else Link(each, Rest(clock)) for each in links]
        self._clock = clock

    @property
    def models(self) -> list[Model]:
        return [link.model for link in self.links]

    @property
    def name(self) -> str:
        """The name of the model that would be asked now."""
        return self._current().name

    @property
    def context_tokens(self) -> int:
        """Those of the model that would be asked now."""
        return self._current().context_tokens

    async def chat(self, request: ChatRequest, on_delta: OnDelta | None = None) -> Reply:
        """Answer. When no model can: raises ModelUnavailable with each one's reason where another
        time may be better, OverLimit where only limits and abilities are in the way, ModelUnable
        when they all lack what the request needs. An OverLimit of a link that does not let others
        stand in is raised as it is."""
        turn = _Turn(self.links, request, on_delta, self._clock)
        for place, link in enumerate(self.links):
            if (call := link.rest.call()) and (reply := await turn.ask(place, call)):
                return reply
        for place in turn.left_out:
            if (call := await self.links[place].rest.last_call()) is None:
                turn.failed[place] = turn.known(place)
            elif reply := await turn.ask(place, call):
                return reply
        raise turn.no_answer()

    async def probe(self) -> str | None:
        """None when one of the models can be used now, else every model's reason."""
        reasons = []
        for link in self.links:
            reason = await link.model.probe()
            if reason is None:
                link.rest.wake()
                return None
            link.rest.failed(ModelUnavailable(reason))
            reasons.append(f"{link.model.name}: {reason}")
        return "; ".join(reasons)

    async def aclose(self) -> None:
        for link in self.links:
            await link.model.aclose()

    def _current(self) -> Model:
        return next((link.model for link in self.links if link.rest.is_open), self.links[0].model)


class _Turn:
    """One question on its way along the links."""

    def __init__(
        self, links: Sequence[Link], request: ChatRequest, on_delta: OnDelta | None, clock: Clock
    ) -> None:
        self.links = links
        self.failed: dict[int, ModelError] = {}
        self._request = request
        self._on_delta = on_delta
        self._clock = clock
        self._said = False  # whether a part of an answer went to the listener

    @property
    def left_out(self) -> Iterable[int]:
        """The places that nobody has been asked at."""
        return [place for place in range(len(self.links)) if place not in self.failed]

    async def ask(self, place: int, call: Call) -> Reply | None:
        """The reply of the model there; None when the next is to be asked.
        Raises what another model would meet as well."""
        link = self.links[place]
        try:
            with call:
                reply = await self._patiently(link.model, call)
        except OverLimit as error:
            if link.over_limit == "refuse":
                raise
            self.failed[place] = error
        except (ModelUnable, ModelUnavailable) as error:
            self.failed[place] = error
        else:
            return reply if place == 0 else replace(reply, degraded=True, because=self._why())
        return None

    def _why(self) -> str:
        """Why the model that is wanted does not answer."""
        return f"{self.links[0].model.name}: {self.failed.get(0) or self.known(0)}"

    def known(self, place: int) -> ModelError:
        """Why a model that is not asked now failed when it was."""
        return self.links[place].rest.error or ModelUnavailable("it failed a moment ago")

    def no_answer(self) -> ModelError:
        """The one error, with each model's reason."""
        errors = [self.failed[place] for place in range(len(self.links))]
        if all(isinstance(error, ModelUnable) for error in errors):
            return errors[0]
        told = "; ".join(
            f"{link.model.name}: {error}" for link, error in zip(self.links, errors, strict=True)
        )
        if any(isinstance(error, ModelUnavailable) for error in errors):
            return ModelUnavailable(f"no model answers: {told}")
        hints = [error.hint for error in errors if isinstance(error, OverLimit)]
        return OverLimit(f"no model may answer: {told}", hint=hints[0])

    async def _patiently(self, model: Model, call: Call) -> Reply:
        """Ask a busy server a few times more."""
        for seconds in BUSY_SECONDS:
            try:
                return await self._once(model, call)
            except ModelBusy as busy:
                wait = max(seconds, busy.after or 0.0)
                if wait > LONGEST_WAIT:
                    raise
                await self._clock.sleep(wait)
        return await self._once(model, call)

    async def _once(self, model: Model, call: Call) -> Reply:
        on_delta = self._on_delta
        if on_delta is None:
            return await model.chat(self._request, lambda _: call.heard())
        if self._said:
            self._said = False
            on_delta(None)

        def hand_on(piece: str | None) -> None:
            if piece is not None:
                call.heard()
            self._said = piece is not None
            on_delta(piece)

        return await model.chat(self._request, hand_on)
