"""What must hold when the days are over, by what the doubles have seen and what the house wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from harness.bus.port import State, Task
from harness.bus.reader import Reader
from harness.config.crontab import read_crontab
from harness.models.ledger.call import Call, CallOutcome, ModelLoad
from harness.models.ledger.reader import LedgerReader
from tests.simulation.pool.bounds import against
from tests.simulation.pool.census import bound_of
from tests.simulation.pool.counted import LOADS, Asked
from tests.simulation.pool.figures import Figures
from tests.simulation.pool.home import CREW, ZONE
from tests.simulation.pool.run import Story
from tests.simulation.verdict import EVERYTHING, callbacks_arrive, ends_once, every_slot_is_one_row

PATIENCE, BATCH, MODELS = 600.0, 32, 5  # of the settings, the most there is of each
AFTERWARDS = 120.0  # seconds after a misfortune in which a host is found out to be well again
A_MOMENT = 0.05  # seconds: a connection that is cut is seen to be
CLEARING = 8.0  # seconds for victims to leave and the memory to come back, and a look or two
MORE, SOME = 1.3, 16  # of a container, what may be there besides the first evening's
MUMBLED = {"mumbling"}  # misfortunes of answers alone, which keep nobody waiting


class Verdict:
    """All breaches are found before one is told."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.zone = ZoneInfo(ZONE)
        self.broken: list[str] = []
        begin, end = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
        with LedgerReader(story.home.ledger) as ledger:
            self.calls: Sequence[Call] = ledger.calls(begin, end)
            self.loads: Sequence[ModelLoad] = ledger.loads(begin, end)
            self.spent = {day: ledger.spent(day, self.zone) for day in self.days()}
        with Reader(story.home.database) as reader:
            self.tasks: Sequence[Task] = reader.tasks(limit=EVERYTHING)
            self.of_the_bus(reader)

    def judge(self) -> Figures:
        """Raises AssertionError with the promises that were broken."""
        self.broken += self.story.left
        for check in (self.slots, self.tokens, self.loaded, self.waits, self.urgent_ones,
                      self.limits, self.rows, self.errors, self.growth):  # fmt: skip
            self.broken += list(check())
        assert not self.broken, f"seed {self.story.seed}: " + "\n".join(self.broken[:20])
        return self.figures()

    def figures(self) -> Figures:
        urgent = [call for call in self.calm if call.priority == "P0"]
        return Figures(
            tasks=len(self.tasks),
            dead=sum(task.state is State.DEAD for task in self.tasks),
            calls=len(self.calls),
            done=sum(call.outcome is CallOutcome.DONE for call in self.calls),
            loads=len(self.loads),
            late_loads=sum(
                asked.path != LOADS and bool(asked.load_seconds) for asked in self.asked
            ),
            longest_wait=max((call.queue_s + call.load_s for call in self.calm), default=0.0),
            urgent=len(urgent),
            urgent_queue=sum(call.queue_s for call in urgent) / max(len(urgent), 1),
            beyond=self.story.beyond,
            outcomes=Counter(f"{call.outcome} {call.error}".strip() for call in self.calls),
        )

    def days(self) -> Iterator[date]:
        day, end = self.story.begun.date(), self.story.ended
        assert end is not None
        while day <= end.date():
            yield day
            day += timedelta(days=1)

    @property
    def asked(self) -> list[Asked]:
        return self.story.record.asked

    @cached_property
    def calm(self) -> list[Call]:
        """Answers of Ollama's models while nothing was wrong anywhere."""
        answered = [
            call
            for call in self.calls
            if call.outcome is CallOutcome.DONE and call.model.startswith("ollama/")
        ]
        return [call for call in answered if self.is_calm(call)]

    def is_calm(self, call: Call) -> bool:
        began = self.story.moment(call.at)
        ended = began + (call.total_s or 0.0)
        return not any(
            trouble.began <= ended and began <= trouble.ended + AFTERWARDS
            for trouble in self.story.record.trouble
            if trouble.kind not in MUMBLED
        )

    # -- what must hold

    def of_the_bus(self, reader: Reader) -> None:
        """Each task ended once, its asker was told, and each slot is one row and one task."""
        home, end = self.story.home, self.story.ended
        assert end is not None
        crontab = read_crontab(home.cron_file, frozenset(CREW))
        try:
            for task in self.tasks:
                ends_once(reader, task)
                assert task.state is not State.DEAD or task.error, f"{task.id} died silently"
            callbacks_arrive(reader, list(self.tasks))
            every_slot_is_one_row(reader, crontab, end - timedelta(minutes=1))
        except AssertionError as error:
            self.broken.append(str(error))

    def rows(self) -> Iterator[str]:
        """No row of the ledger is left open."""
        for call in self.calls:
            if call.outcome is CallOutcome.OPEN:
                yield f"a call is open for ever: {call}"

    def slots(self) -> Iterator[str]:
        """Never more calls of a model at a host than it has slots, as the host saw it."""
        for host, model in {(asked.host, asked.model) for asked in self.asked}:
            calls = [a for a in self.asked if (a.host, a.model) == (host, model)]
            calls = [asked for asked in calls if asked.path != LOADS]
            running: list[Asked] = []
            for asked in calls:
                running = [a for a in running if a.ended > asked.began + A_MOMENT]
                running.append(asked)
                most = 1 if asked.path == "/api/embed" else asked.slots
                if len(running) > most:
                    yield f"{len(running)} calls of {model} at {host}, which has {most}: {running}"

    def tokens(self) -> Iterator[str]:
        """What the ledger has as counted is what a host counted; what a host counted and the
        ledger has not, ended with a fault."""
        told = Counter(
            (f"ollama/{asked.model}", asked.prompt_tokens, asked.completion_tokens)
            for asked in self.asked
            if asked.path == "/api/chat" and asked.outcome == "done"
        )
        written = Counter(
            (call.model, call.prompt_tokens, call.completion_tokens)
            for call in self.calls
            if call.outcome is CallOutcome.DONE
            and not call.estimated
            and call.model.startswith("ollama/")
        )
        for made_up in (written - told).elements():
            yield f"the ledger has a call that no host counted: {made_up}"
        ends = (CallOutcome.LOST, CallOutcome.CANCELLED, CallOutcome.FAILED, CallOutcome.SENT_BACK)
        excused = sum(call.outcome in ends for call in self.calls) + self.story.kills * 6
        if (unwritten := (told - written).total()) > excused:
            yield f"{unwritten} answers are not in the ledger, and {excused} calls broke off"

    def loaded(self) -> Iterator[str]:
        """Loads of the ledger are loads of the hosts, but for what was broken off in the moment in
        which it was done: by a stop, a crash, or a call that was cancelled."""
        made = Counter(
            (asked.host, asked.model)
            for asked in self.asked
            if asked.path == LOADS and asked.outcome == "done"
        )
        written = Counter((load.host, load.model) for load in self.loads)
        for made_up in (written - made).elements():
            yield f"the ledger has a load that no host made: {made_up}"
        gone = Counter(c.model for c in self.calls if c.outcome is CallOutcome.CANCELLED)
        for (host, model), number in (made - written).items():
            excused = gone[f"ollama/{model.removesuffix(':latest')}"] + self.story.starts - 1
            if number > excused:
                yield f"{number} loads of {model} at {host} are not in the ledger"
        for asked in self.asked:
            if asked.path != LOADS and asked.load_seconds and not self.is_excused(asked):
                yield f"a call had to load its model by itself, and nobody took it: {asked}"

    def is_excused(self, asked: Asked) -> bool:
        """Whether something happened to the host's memory lately."""
        return any(
            trouble.host in ("", asked.host) and trouble.began <= asked.ended
            and asked.began <= trouble.ended + AFTERWARDS
            for trouble in self.story.record.trouble
        )  # fmt: skip

    @cached_property
    def longest_call(self) -> float:
        return max((a.ended - a.began for a in self.asked if a.outcome == "done"), default=0.0)

    @cached_property
    def longest_load(self) -> float:
        return max((load.seconds for load in self.loads), default=0.0)

    def waits(self) -> Iterator[str]:
        """While all is well nobody waits longer than docs/pool.md says."""
        turn = (BATCH + ceil(BATCH / 4) + 4) * self.longest_call + 4 * self.longest_load
        for call in self.calm:
            others = self.beside(call)
            urgent = sum(other.total_s or 0.0 for other in others if other.priority == "P0")
            most = PATIENCE + (2 * (len(others) // BATCH) + MODELS) * turn + urgent
            if call.queue_s + call.load_s > most:
                yield f"waited longer than {most:.0f} s: {call}"

    def urgent_ones(self) -> Iterator[str]:
        """P0 waits for a load that is under way, and for others of its kind."""
        for call in self.calm:
            if call.priority == "P0":
                before = sum(other.priority == "P0" for other in self.beside(call))
                most = (before + 1) * (self.longest_call + self.longest_load + CLEARING)
                if call.queue_s > most:
                    yield f"P0 waited longer than {most:.0f} s: {call}"

    def beside(self, call: Call) -> list[Call]:
        """The other calls that were under way meanwhile."""
        ended = call.at + timedelta(seconds=call.total_s or 0.0)
        return [
            other
            for other in self.calls
            if other.id != call.id
            and other.at < ended
            and call.at < other.at + timedelta(seconds=other.total_s or 0.0)
        ]

    def limits(self) -> Iterator[str]:
        """No limit that held all day was passed by more than calls took beyond what they held."""
        for day, spent in self.spent.items():
            bounds = self.in_force(day)
            for name, used, most in against(bounds, spent):
                over = self.story.beyond.gpu if name == "gpu" else self.story.beyond.tokens
                if used > most + over + 1e-6:
                    yield f"{day}: {used:g} of {most:g} of the limit `{name}`, beyond {over:g}"

    def in_force(self, day: date) -> list[dict[str, Any]]:
        """The limits of that day, and those that it began with."""
        earlier = [bounds[-1] for when, bounds in sorted(self.story.limits.items()) if when < day]
        return earlier[-1:] + self.story.limits.get(day, [])

    def growth(self) -> Iterator[str]:
        """What the daemon holds of an evening is what it held on its first, or has a bound."""
        first, last = self.story.sizes[0], self.story.sizes[-1]
        for path, size in last.items() if self.story.starts == 1 else ():
            bound = bound_of(path)
            if bound is None and size > MORE * first.get(path, 0) + SOME:
                yield f"{path} grew from {first.get(path, 0)} to {size}"
            if bound is not None and size > bound:
                yield f"{path} has {size} of {bound}"

    def errors(self) -> Iterator[str]:
        """The log tells of no fault of our own."""
        for level, event, told in self.story.words:
            if level in ("error", "exception", "critical") and not is_expected(event):
                yield f"the log says {level}: {event} {told[-1500:]}"


def is_expected(event: str) -> bool:
    """What a misfortune of a host may make the log say as an error."""
    return event == "alert"
