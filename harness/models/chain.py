"""Several models in a row: the first that answers, answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.clock import Clock
from harness.models.port import ChatRequest, Model, ModelUnavailable, OnDelta, Reply

REST_SECONDS = 60.0


class FallbackModel:
    """Asks its models in order; what is not the first's reply is marked as degraded.

    A model found away rests for `rest_seconds` and is passed over meanwhile; then the next call
    tries it again. Errors that another model would meet as well are not tried on another.
    """

    def __init__(
        self, models: Sequence[Model], clock: Clock, *, rest_seconds: float = REST_SECONDS
    ) -> None:
        if not models:
            raise ValueError("a chain needs at least one model")
        self.models = list(models)
        self._clock = clock
        self._rest_seconds = rest_seconds
        self._resting: dict[int, tuple[float, str]] = {}  # index: until (monotonic), why

    @property
    def name(self) -> str:
        """The name of the model that would be asked now."""
        return self._current().name

    @property
    def context_tokens(self) -> int:
        """Those of the model that would be asked now."""
        return self._current().context_tokens

    async def chat(self, request: ChatRequest, on_delta: OnDelta | None = None) -> Reply:
        """Answer. Raises ModelUnavailable with every model's reason when none can."""
        for index, model in self._awake():
            try:
                reply = await model.chat(request, on_delta)
            except ModelUnavailable as error:
                self._rest(index, str(error))
                continue
            self._resting.pop(index, None)
            return reply if index == 0 else replace(reply, degraded=True)
        raise ModelUnavailable(f"no model answers: {self._reasons()}")

    async def probe(self) -> str | None:
        """None when one of the models can be used now, else every model's reason."""
        reasons = []
        for index, model in enumerate(self.models):
            reason = await model.probe()
            if reason is None:
                self._resting.pop(index, None)
                return None
            self._rest(index, reason)
            reasons.append(f"{model.name}: {reason}")
        return "; ".join(reasons)

    async def aclose(self) -> None:
        for model in self.models:
            await model.aclose()

    def _current(self) -> Model:
        return next((model for _, model in self._awake()), self.models[0])

    def _awake(self) -> Iterator[tuple[int, Model]]:
        for index, model in enumerate(self.models):
            until, _ = self._resting.get(index, (0.0, ""))
            if index not in self._resting or self._clock.monotonic() >= until:
                yield index, model

    def _rest(self, index: int, why: str) -> None:
        self._resting[index] = (self._clock.monotonic() + self._rest_seconds, why)

    def _reasons(self) -> str:
        return "; ".join(
            f"{self.models[index].name}: {why}" for index, (_, why) in sorted(self._resting.items())
        )
