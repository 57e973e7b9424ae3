"""One job goes on with what others found: from their finals into its prompt and its answer."""

from __future__ import annotations

from datetime import timedelta

from harness.app import App
from harness.bus.port import Outcome, Task
from harness.session.past import Past
from harness.session.prompt import compose
from tests.flows.house import House, is_over

NEWS = "# News\n\nThe lighthouse at Roter Sand was sold."


def tasks_of(app: App, job: str) -> list[Task]:
    return app.bus.reader.tasks(job=job)


async def day_of(house: House, app: App, job: str) -> Task:
    """Let the morning come; the job's task once it is over."""
    await house.until(lambda: "news" in app.scheduler.due)
    house.clock.shift(app.scheduler.due["news"] - house.clock.now() + timedelta(seconds=1))
    await house.until(lambda: bool(tasks_of(app, job)) and is_over(tasks_of(app, job)[0]), step=1)
    return tasks_of(app, job)[0]


async def test_a_letter_is_written_of_what_the_jobs_before_it_found(house: House) -> None:
    house.script("told", [NEWS])
    house.script("writes", ["Dear Ada, the lighthouse was sold."])
    house.agent("scout", model="told")
    house.agent("writer", model="writes")
    house.job("news", agent="scout", cron="0 7 * * *", deliver=[])
    house.job("weather", agent="scout", cron="0 7 * * *", deliver=[])
    house.job("letter", agent="writer", after=["news", "weather"], deliver=["archive"])

    async with house.daemon() as app:
        await house.until(lambda: "news" in app.scheduler.due)
        await app.bus.pause("weather")
        letter = await day_of(house, app, "letter")
        profile = app.crew.profiles["writer"]
        parts = await app.sessions.parts(app.crew, profile, letter)
        brief = app.sessions.brief(app.crew, profile, letter, compose(parts), Past())

    assert letter.outcome is Outcome.DONE
    assert "## news (scout), slot " in brief.opening
    assert "> The lighthouse at Roter Sand was sold." in brief.opening
    assert ": skipped: paused" in brief.opening
    assert "the lighthouse was sold" in house.pages()[0].read_text()
