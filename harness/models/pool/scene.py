"""Lines and hosts at one moment, and what the rules say of each of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator

from harness.config.priority import Priority
from harness.models.pool.view import HostView, Line, Resident, Rules, Spec

WORTH = 3.0  # seconds: a load that is over sooner is not broken off (the memory takes half of it)
LINGER = 2.0  # times its load: how long a model is kept for a task that will ask it again
SHORT = 4  # the part of a batch, one in so many, that an aged line leaves to one that is not
REST = 2  # the part that a batch may be longer where that ends its line
STUB = 3  # the part that is worth another load where the line that waits would be done last
CRUMBS = 8  # the part that is ended in any case before it is loaded again for so little


class Scene:
    """What `choose` asks, in the words of docs/pool.md."""

    def __init__(
        self, lines: Collection[Line], hosts: Collection[HostView], now: float, rules: Rules
    ) -> None:
        self.lines = sorted(lines, key=_name)
        self.hosts = sorted(hosts, key=lambda host: host.name)
        self.now = now
        self.rules = rules
        self._copies: dict[Spec, list[tuple[HostView, Resident]]] = defaultdict(list)
        self._waiting: dict[Spec, list[Line]] = defaultdict(list)
        for host in self.hosts:
            for resident in host.residents:
                self._copies[resident.spec].append((host, resident))
        for line in self.lines:
            self._waiting[line.spec].append(line)

    def urgent(self, line: Line) -> bool:
        return line.priority is Priority.P0

    def aged(self, line: Line) -> bool:
        """Whether one in the line has waited its patience out; of a P0, the P0 itself."""
        since = line.came if self.urgent(line) else line.since
        return self.now >= since + self.rules.patience

    def rank(self, line: Line) -> tuple[object, ...]:
        """Smaller goes first: aged ones by age, then the urgent, then those with most work."""
        if self.aged(line):
            return (0, line.since, 0, 0.0, _name(line))
        return (1, line.priority, -line.waiting, line.since, _name(line))

    def by_urgency(self) -> tuple[list[Line], list[Line]]:
        """P0 in the order of coming, and the others as they rank."""
        urgent = sorted(filter(self.urgent, self.lines), key=lambda line: line.came)
        others = [line for line in self.lines if not self.urgent(line)]
        return urgent, sorted(others, key=self.rank)

    def contended(self) -> frozenset[str]:
        """The hosts that a line waits for whose model is nowhere loaded where it may run."""
        homeless = filter(self.homeless, self.lines)
        return frozenset(host.name for line in homeless for host in self.hosts_of(line))

    def hosts_of(self, line: Line) -> Iterator[HostView]:
        return (host for host in self.hosts if host.name in line.hosts)

    def copies(self, line: Line) -> list[tuple[HostView, Resident]]:
        """Where the line's model is loaded."""
        return [each for each in self._copies[line.spec] if each[0].name in line.hosts]

    def loading(self, line: Line) -> bool:
        return any(host.loading == line.spec for host in self.hosts_of(line))

    def homeless(self, line: Line) -> bool:
        """Whether the line's model is neither loaded nor being loaded where it may run."""
        return not self.copies(line) and not self.loading(line)

    def free(self, line: Line, host: HostView, resident: Resident) -> int:
        """How many calls of the line may begin on the resident."""
        slots = host.slots if line.limit is None else min(host.slots, line.limit)
        return slots - len(resident.running)

    def work(self, host: HostView, resident: Resident) -> list[Line]:
        """The lines that wait for the resident."""
        return [line for line in self._waiting[resident.spec] if host.name in line.hosts]

    def lingers(self, resident: Resident) -> bool:
        """Whether a task that works in turns will ask it again in a moment."""
        if resident.running or resident.served >= self.rules.batch:
            return False
        return self.now < lingers_until(resident)

    def may_have(self, line: Line, host: HostView, resident: Resident) -> bool:
        """Whether the resident may be unloaded for the line, at once or once it is idle."""
        work = self.work(host, resident)
        if self.urgent(line):
            return all(not self.urgent(other) or line.came < other.came for other in work)
        if any(self.urgent(other) for other in work):
            return False
        if self.aged(line):
            return not work or resident.draining or resident.served >= self._turn(work)
        if not work:
            return True
        rest = sum(other.waiting for other in work)
        over = self._over(line, resident, rest) or self._is_late(line, host, resident, rest)
        return over and all(self._goes_before(line, other) for other in work)

    def may_end(self, line: Line, host: HostView) -> bool:
        """Whether the load under way there may be broken off for the line, or is already.

        Not one for which a P0 or an aged line waits: so each model is loaded in the end.
        """
        if host.loading is None or not self.urgent(line) or not self.rules.preempt:
            return False
        if host.ending:
            return True
        waits = [other for other in self._waiting[host.loading] if host.name in other.hosts]
        if any(self.urgent(other) or self.aged(other) for other in waits):
            return False
        return host.over is None or host.over > self.now + WORTH

    def _over(self, line: Line, resident: Resident, rest: int) -> bool:
        """Whether its batch is: a few calls more are no reason to load it again for them."""
        batch = self.rules.batch
        if resident.served >= batch + batch // REST:
            return True
        worth_it = line.waiting > 2 * rest and rest > batch // CRUMBS
        return resident.served >= batch and (rest > batch // REST or worth_it)

    def _is_late(self, line: Line, host: HostView, resident: Resident, rest: int) -> bool:
        """Whether the line would be done last of all if it waited on: it has as many calls as each
        of the host's places has to do. Half a batch is enough then."""
        if resident.served < self.rules.batch // 2 or rest <= self.rules.batch // STUB:
            return False
        waiting = sum(other.waiting for other in self.lines if host.name in other.hosts)
        return line.waiting * len(host.residents) >= waiting

    def _turn(self, work: list[Line]) -> int:
        """How many calls a resident may begin while an aged line waits for its place."""
        aged = any(self.aged(other) for other in work)
        return self.rules.batch if aged else -(-self.rules.batch // SHORT)

    def _goes_before(self, line: Line, other: Line) -> bool:
        if line.priority != other.priority:
            return line.priority < other.priority
        return not self.aged(other)


def lingers_until(resident: Resident) -> float:
    """The moment to which an idle model is kept for its tasks."""
    if resident.awaits is None or not resident.load:
        return float("-inf")
    return resident.awaits + LINGER * resident.load


def _name(line: Line) -> tuple[object, ...]:
    return (line.spec, sorted(line.hosts), line.limit or 0)
