"""The queue: tasks that nobody works on any more, that nobody takes up, or that went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from harness.bus.port import State
from harness.doctor.finding import Finding, Level
from harness.doctor.patient import Patient

STALE = timedelta(minutes=10)  # a request that has been due for so long deserves a word
OVER = timedelta(minutes=2)  # the watcher takes up a lease that ran out within seconds
HOUR = timedelta(hours=1)  # a question open for so long, or for no longer, deserves a word
FORTNIGHT = timedelta(days=14)
UNITS = (("days", 86_400), ("h", 3_600), ("min", 60))
EVERY = 1_000_000  # rows


def leases(patient: Patient) -> Iterator[Finding]:
    """Every task under way is held by somebody alive."""
    with patient.reader() as reader:
        held = reader.tasks(state=State.CONFIRMED, limit=EVERY)
    stuck = [task for task in held if task.lease_until and patient.now - task.lease_until > OVER]
    if not stuck:
        return
    oldest = min(task.lease_until for task in stuck if task.lease_until)
    many = "1 task is" if len(stuck) == 1 else f"{len(stuck)} tasks are"
    told = f"{many} held by a session that is gone, since {span(patient.now - oldest)}"
    if patient.daemon is None:
        yield Finding(Level.WARNING, told, "harness up takes them over and tries them again")
    else:
        yield Finding(
            Level.ERROR,
            f"{told}, and the crew that runs does not take them over",
            "start it anew: harness down; harness up",
        )


def waiting(patient: Patient) -> Iterator[Finding]:
    """No request waits for long."""
    with patient.reader() as reader:
        since = reader.waiting_since()
    for lane, due in sorted(since.items()):
        if patient.now - due <= STALE:
            continue
        told = f"the oldest request of {lane} has been due for {span(patient.now - due)}"
        if patient.daemon is None:
            yield Finding(Level.WARNING, f"{told}, and the crew does not run", "harness up")
        else:
            fix = f"harness queue list --agent {lane} --state request"
            yield Finding(Level.WARNING, told, f"see what is ahead of it: {fix}")


def dead(patient: Patient) -> Iterator[Finding]:
    """There are no dead letters."""
    with patient.reader() as reader:
        letters = reader.dead(EVERY)
    if letters:
        newest = letters[0]
        many = "1 dead letter waits" if len(letters) == 1 else f"{len(letters)} dead letters wait"
        yield Finding(
            Level.WARNING,
            f"{many} for a person; the newest is {newest.id} of {newest.agent}:"
            f" {newest.error or 'no error was noted'}",
            "harness dead list; then harness dead resend TASK, or harness dead purge",
        )


def approvals(patient: Patient) -> Iterator[Finding]:
    """No agent has waited long for a person's word."""
    with patient.reader() as reader:
        questions = reader.pending_approvals(patient.now)
    old = [each for each in questions if patient.now - each.asked_at > HOUR]
    ending = [each for each in questions if each.expires_at - patient.now < HOUR]
    if old:
        many = "1 call has" if len(old) == 1 else f"{len(old)} calls have"
        since = span(patient.now - old[0].asked_at)
        told = f"{many} waited for your word for more than an hour, the first for {since}"
        yield Finding(Level.WARNING, told, "harness approvals list")
    if ending:
        next_one = min(ending, key=lambda each: each.expires_at)
        many = "1 question expires" if len(ending) == 1 else f"{len(ending)} questions expire"
        left = span(next_one.expires_at - patient.now)
        told = f"{many} within the hour, the first in {left}: {next_one.agent}, {next_one.tool}"
        fix = f"harness approvals show {next_one.id}; unanswered, the call is not made"
        yield Finding(Level.WARNING, told, fix)


def failing(patient: Patient) -> Iterator[Finding]:
    """Nothing fails time after time."""
    with patient.reader() as reader:
        incidents = reader.incidents()
    for each in incidents:
        if each.failures < 2:  # once is no row
            continue
        fix = f"harness queue show {each.task}" if each.task else "harness queue list"
        told = f"{each.subject} failed {each.failures} times in a row"
        yield Finding(Level.WARNING, told, f"see why: {fix}")


def recoveries(patient: Patient) -> Iterator[Finding]:
    """The house had nothing to put right by itself."""
    with patient.reader() as reader:
        found = reader.recoveries(patient.now - FORTNIGHT)
    if found:
        last = found[0]
        times = "once" if len(found) == 1 else f"{len(found)} times"
        yield Finding(
            Level.HINT,
            f"the house put something right {times} in {FORTNIGHT.days} days; the last time"
            f" {span(patient.now - last.at)} ago: {last.kind}, {last.subject}, {last.note}",
            "harness status says what they were",
        )


def span(length: timedelta) -> str:
    """How long, in one unit."""
    seconds = max(length.total_seconds(), 0.0)
    for unit, size in UNITS:
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"
