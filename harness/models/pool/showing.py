"""What of a host is shown to `choose`: plain values, which change with nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.models.pool.held import Held
from harness.models.pool.seat import Slot
from harness.models.pool.server import Server
from harness.models.pool.view import HostView, Resident, Running, Spec


@dataclass(frozen=True)
class ViewRules:
    """What the pool adds to what a host holds."""

    old: float  # calls that came before this moment are not sent back
    due: Mapping[str, float]  # when the schedule wants a model next

    def running(self, slot: Slot) -> Running:
        may_yield = slot.on_sent_back is not None and not slot.sent_back and slot.came > self.old
        priority = slot.wish.asker.priority
        return Running(slot.id, priority, slot.began, may_yield, slot.is_sent_back)


def host_view(
    server: Server, contexts: Mapping[str, int], wanted: Iterable[Spec], rules: ViewRules
) -> HostView:
    """What there is at a host, and what each of the `wanted` needs there. `contexts`: those that
    are wanted of each model; one that serves its context counts as loaded with it."""
    needs = {spec: server.need(spec) for spec in wanted}
    return HostView(
        name=server.name,
        slots=server.host.slots,
        models=server.host.models,
        memory=server.memory,
        residents=tuple(
            resident_view(server, held, contexts, rules) for held in server.held.values()
        ),
        loading=server.loading,
        needs={spec: need for spec, need in needs.items() if need is not None},
        over=server.over(),
        ending=server.ending,
    )


def resident_view(
    server: Server, held: Held, contexts: Mapping[str, int], rules: ViewRules
) -> Resident:
    wanted = contexts.get(held.model, 0)
    spec = Spec(held.model, wanted if held.serves(wanted) else held.num_ctx)
    began, ended = server.loads.get(spec, (0.0, 0.0))
    return Resident(
        spec,
        held.size,
        tuple(rules.running(slot) for slot in held.running.values()),
        held.served,
        held.used,
        (ended - began) or None,
        held.draining,
        rules.due.get(held.model),
        max(held.awaited.values(), default=None),
    )
