"""Several models in a row: the first that answers, answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.clock import Clock
from harness.models.port import (
    ChatRequest,
    Model,
    ModelBusy,
    ModelError,
    ModelUnable,
    ModelUnavailable,
    OnDelta,
    Reply,
)

REST_SECONDS = 60.0
BUSY_SECONDS = (1.0, 3.0, 6.0)  # before the second, third and fourth try of a busy server


class FallbackModel:
    """Asks its models in order; what is not the first's reply is marked as degraded.

    A model found away rests for `rest_seconds`: meanwhile it is asked only after the others
    have failed too. A busy one is asked a few times more before it counts as away. Errors that
    another model would meet as well are not tried on another.
    """

    def __init__(
        self, models: Sequence[Model], clock: Clock, *, rest_seconds: float = REST_SECONDS
    ) -> None:
        if not models:
            raise ValueError("a chain needs at least one model")
        self.models = list(models)
        self._clock = clock
        self._rest_seconds = rest_seconds
        self._resting: dict[int, float] = {}  # index: until (monotonic)

    @property
    def name(self) -> str:
        """The name of the model that would be asked now."""
        return self._current().name

    @property
    def context_tokens(self) -> int:
        """Those of the model that would be asked now."""
        return self._current().context_tokens

    async def chat(self, request: ChatRequest, on_delta: OnDelta | None = None) -> Reply:
        """Answer. Raises ModelUnavailable with every model's reason when none can, ModelUnable
        when they all lack what the request needs."""
        failed: dict[int, ModelError] = {}
        for index in self._in_order():
            try:
                reply = await self._ask(self.models[index], request, on_delta)
            except ModelUnable as error:  # of this request: the next may suit the model
                failed[index] = error
            except ModelUnavailable as error:
                self._rest(index)
                failed[index] = error
            else:
                self._resting.pop(index, None)
                return reply if index == 0 else replace(reply, degraded=True)
        raise self._none_of(failed)

    async def probe(self) -> str | None:
        """None when one of the models can be used now, else every model's reason."""
        reasons = []
        for index, model in enumerate(self.models):
            reason = await model.probe()
            if reason is None:
                self._resting.pop(index, None)
                return None
            self._rest(index)
            reasons.append(f"{model.name}: {reason}")
        return "; ".join(reasons)

    async def aclose(self) -> None:
        for model in self.models:
            await model.aclose()

    async def _ask(self, model: Model, request: ChatRequest, on_delta: OnDelta | None) -> Reply:
        for seconds in BUSY_SECONDS:
            try:
                return await model.chat(request, on_delta)
            except ModelBusy:
                await self._clock.sleep(seconds)
        return await model.chat(request, on_delta)

    def _current(self) -> Model:
        return self.models[self._in_order()[0]]

    def _in_order(self) -> list[int]:
        """The indices of all models: those awake first, then those at rest."""
        now = self._clock.monotonic()
        return sorted(range(len(self.models)), key=lambda index: now < self._until(index))

    def _until(self, index: int) -> float:
        return self._resting.get(index, float("-inf"))

    def _rest(self, index: int) -> None:
        self._resting[index] = self._clock.monotonic() + self._rest_seconds

    def _none_of(self, failed: dict[int, ModelError]) -> ModelError:
        if all(isinstance(error, ModelUnable) for error in failed.values()):
            return failed[0]
        reasons = (f"{self.models[index].name}: {failed[index]}" for index in sorted(failed))
        return ModelUnavailable(f"no model answers: {'; '.join(reasons)}")
