"""`harness cron run`, `pause` and `resume`: what a person changes in the day."""

from __future__ import annotations

import os

import typer

from harness.cli.cron import JobArgument, read_schedule, the_job
from harness.cli.output import HomeOption, JsonOption, emit, say, the_home
from harness.cli.posting import audit, open_bus
from harness.cli.shapes import task_shape
from harness.config.home import Home
from harness.config.settings import read_settings
from harness.services.fires import request_of

app = typer.Typer()

PERSON = "person"


@app.command()
def run(job: JobArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Ask for a job now, by the same path as on time."""
    place = the_home(home)
    channels = read_settings(place.settings_file, os.environ).delivery.default
    wanted = the_job(read_schedule(place, channels), job)
    with open_bus(place) as bus:
        task = bus.request(request_of(wanted, sender=PERSON))
    audit(place, "cron.run", wanted.id, task=task.id)
    if as_json:
        emit(task_shape(task))
        return
    say(f"{task.id}  {wanted.id} asked of {wanted.agent}")


@app.command()
def pause(job: JobArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Let a job rest: its slots are recorded as skipped until it is resumed."""
    set_paused(the_home(home), job, paused=True, as_json=as_json)


@app.command()
def resume(job: JobArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Let a paused job go on."""
    set_paused(the_home(home), job, paused=False, as_json=as_json)


def set_paused(home: Home, name: str, *, paused: bool, as_json: bool) -> None:
    job = the_job(read_schedule(home), name)
    with open_bus(home) as bus:
        state = bus.pause(job.id) if paused else bus.resume(job.id)
    audit(home, "cron.paused" if paused else "cron.resumed", job.id)
    if as_json:
        emit({"job": job.id, "paused": state.paused})
        return
    say(f"{job.id} {'rests until: harness cron resume ' + job.id if paused else 'goes on'}")
