"""How long calls wait on a number of slots, and when more of them pay off.

Arrivals at random (Poisson) and c slots: Erlang's C formula, from A. K. Erlang, 1917. Calls of real
days come in clusters, so real waits are longer: take the rate of the busiest hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

PAYS_OFF = 0.2  # of the busy time: from there on, waits and swaps are worth another host


@dataclass(frozen=True)
class Demand:
    """What is asked of a host in its busiest hour."""

    calls: float  # an hour
    seconds: float  # of one call, from the first token read to the last written
    loads: float = 0.0  # an hour
    load_seconds: float = 0.0  # of one load

    @property
    def busy(self) -> float:
        """Slots that are busy on average."""
        return self.calls * self.seconds / 3600

    @property
    def swapping(self) -> float:
        """Share of the hour that goes into loads."""
        return self.loads * self.load_seconds / 3600


def chance_of_waiting(busy: float, slots: int) -> float:
    """Erlang C: the share of calls that find all slots taken; 1 when they cannot keep up."""
    if busy >= slots:
        return 1.0
    lost = 1.0  # Erlang B by its recursion
    for servers in range(1, slots + 1):
        lost = busy * lost / (servers + busy * lost)
    return lost / (1 - busy / slots * (1 - lost))


def wait(demand: Demand, slots: int) -> float:
    """Seconds that a call waits for a slot on average; infinite when they cannot keep up."""
    if demand.busy >= slots:
        return inf
    return chance_of_waiting(demand.busy, slots) * demand.seconds / (slots - demand.busy)


def pays_off(demand: Demand, slots: int) -> bool:
    """Whether another host like this one is worth it: waits and loads cost more than a fifth of
    the work itself."""
    if not demand.busy:
        return demand.swapping > PAYS_OFF
    lost = wait(demand, slots) * demand.calls / 3600 + demand.swapping
    return lost > PAYS_OFF * demand.busy
