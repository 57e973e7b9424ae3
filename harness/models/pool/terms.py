"""On which terms calls are served: those of the settings, of the schedule, and of the calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from harness.clock import Clock
from harness.config.settings import PoolSettings
from harness.models.ollama_host import full_name
from harness.models.patience import Timeouts
from harness.models.pool.fleet import Fleet
from harness.models.pool.loading import Order
from harness.models.pool.seat import Wish
from harness.models.pool.showing import ViewRules
from harness.models.pool.sight import Looker
from harness.models.pool.view import Load, Rules, Spec


class Terms:
    """`contexts`: with which num_ctx each model is loaded, at least."""

    def __init__(
        self,
        settings: PoolSettings,
        timeouts: Timeouts,
        contexts: Mapping[str, int],
        clock: Clock,
    ) -> None:
        self.clock = clock
        self._dues: dict[str, float] = {}
        self._manner: dict[str, Wish] = {}  # the last wish for each model: how it is loaded
        self.adopt(settings, timeouts, contexts, ())

    def adopt(
        self,
        settings: PoolSettings,
        timeouts: Timeouts,
        contexts: Mapping[str, int],
        waiting: Iterable[Wish],
    ) -> None:
        """Go over to other settings; the contexts that are `waiting` for stay."""
        self.settings, self.timeouts = settings, timeouts
        self.rules = Rules(settings.patience.total_seconds(), settings.batch, settings.preempt)
        self._contexts = {full_name(model): num_ctx for model, num_ctx in contexts.items()}
        for wish in waiting:
            self.note(wish)

    def note(self, wish: Wish) -> Spec:
        """The model as it is to be loaded for a wish; how is remembered."""
        model = full_name(wish.spec.model)
        self._manner[model] = wish
        self._contexts[model] = max(self._contexts.get(model, 0), wish.spec.num_ctx)
        return Spec(model, self._contexts[model])

    def expect(self, plan: Mapping[Spec, datetime]) -> None:
        """Know when the schedule will want which model next, in the place of what was known."""
        self._dues = {full_name(spec.model): self.moment(when) for spec, when in plan.items()}

    def moment(self, when: datetime) -> float:
        """A time of the day by the clock's steady time."""
        return self.clock.monotonic() + (when - self.clock.now()).total_seconds()

    def looker(self, fleet: Fleet) -> Looker:
        """What the hosts and lines of this moment are seen with."""
        old = self.clock.monotonic() - self.rules.patience
        return Looker(fleet, self._contexts, ViewRules(old, self._dues))

    def order(self, verdict: Load) -> Order:
        """How the model of a verdict is loaded. Raises KeyError where nobody wished for it."""
        spec = verdict.line.spec
        wish = self._manner[spec.model]
        keep_alive = self.settings.keep_alive if wish.keep_alive is None else wish.keep_alive
        return Order(
            spec,
            wish.spec.model,
            keep_alive,
            wish.embeds,
            tuple(evicted.model for evicted in verdict.evict),
            self.timeouts.load,
        )
