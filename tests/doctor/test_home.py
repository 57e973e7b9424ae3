"""The files of a home, the modes of its state, its schedule, its audit, and what crashes left."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from harness.audit.line import Deed
from harness.audit.log import AuditLog
from harness.bus.bells import make_pipe
from harness.bus.port import Due, Request, SlotStatus
from harness.bus.sqlite import SqliteBus
from harness.clock import FakeClock, stamp
from harness.config.cronfile import Overlap
from harness.config.home import Home
from harness.doctor.checkup import mend
from harness.doctor.finding import Level
from harness.text.secrets import Redactor
from tests.doctor.conftest import Look

pytestmark = pytest.mark.usefixtures("scout")


def write_jobs(home: Home, *lines: str) -> None:
    home.cron_file.write_text("jobs:\n" + "".join(f"  {line}\n" for line in lines))


@pytest.mark.parametrize(
    "check", ["files", "jobs", "search", "permissions", "leftovers", "audit", "feeds"]
)
def test_a_home_that_never_ran_is_well(look: Look, check: str) -> None:
    assert look(check) == []


def test_every_fault_of_the_files_is_told_with_its_place_and_what_to_edit(
    look: Look, home: Home
) -> None:
    write_jobs(home, "a: {agent: scuot, every: 1h, prompt: Look.}", "b: {agent: scout, prompt: L}")

    found = look("files")

    assert [each.level for each in found] == [Level.ERROR, Level.ERROR]
    assert found[0].message == f"{home.cron_file}:2:14: unknown agent `scuot`"
    assert found[0].fix == f"edit {home.cron_file}, line 2: did you mean `scout`?"
    assert found[1].message.startswith(f"{home.cron_file}:3:")


def test_a_schedule_that_does_not_parse_hides_nothing_else(look: Look, home: Home) -> None:
    home.cron_file.write_text("jobs: [")
    home.sources_file("scout").write_text("- {name: a, url: ftp://x.example}\n")

    found = look("files")

    assert [each.message.split(":")[0] for each in found] == [
        str(home.cron_file),
        str(home.sources_file("scout")),
    ]
    assert look("feeds") == []
    (jobs,) = look("jobs")
    assert (jobs.level, jobs.message) == (Level.HINT, "not looked at: cron.yaml cannot be read")


def test_settings_that_do_not_parse_are_told_with_the_schedule(look: Look, home: Home) -> None:
    home.settings_file.write_text("modles: {}\n")
    home.cron_file.write_text("jobs: [")

    found = look("files")

    assert {each.message.split(":")[0] for each in found} == {
        str(home.settings_file),
        str(home.cron_file),
    }
    assert [each.message for each in look("ollama")] == [
        "not looked at: the files of the home cannot be read"
    ]


def test_a_key_that_nobody_uses_is_a_warning(look: Look, home: Home) -> None:
    soul = home.agent("scout") / "SOUL.md"
    soul.write_text(soul.read_text().replace("tools:", "tolls: [rss]\ntools:"))

    (found,) = look("files")

    assert (found.level, "unknown key `tolls`" in found.message) == (Level.WARNING, True)


def test_jobs_that_fire_are_no_matter_and_those_that_never_will_are(look: Look, home: Home) -> None:
    write_jobs(
        home,
        "daily: {agent: scout, cron: '0 9 * * *', prompt: Look.}",
        "once: {agent: scout, at: 2025-06-01T09:00, prompt: Look.}",
        "off: {agent: scout, every: 1h, prompt: Look., enabled: false}",
        "then: {agent: scout, after: [daily, once], prompt: Look.}",
        "idle: {agent: scout, after: [off], prompt: Look.}",
        "good: {agent: scout, after: [daily], prompt: Look.}",
    )

    found = look("jobs")

    assert {each.level for each in found} == {Level.WARNING}
    assert [each.message for each in found] == [
        "job once never fires: at 2025-06-01T09:00 has passed",
        "job then never fires: it waits for once, which fires no more",
        "job idle never fires: it waits for off, which is not enabled",
    ]
    assert found[0].fix == f"edit {home.cron_file}: remove once, or change when it fires"


async def test_a_job_that_did_its_one_duty_and_one_at_rest_are_hints(
    look: Look, home: Home, bus: SqliteBus, clock: FakeClock
) -> None:
    write_jobs(
        home,
        "once: {agent: scout, at: 2025-12-31T09:00, prompt: Look.}",
        "daily: {agent: scout, cron: '0 9 * * *', prompt: Look.}",
    )
    due = Due(clock.now(), timedelta(0), SlotStatus.FIRED, Request("scout", "Look.", job="once"))
    await bus.settle("once", [due], Overlap.SKIP)
    await bus.pause("daily")

    found = look("jobs")

    assert [each.level for each in found] == [Level.HINT, Level.HINT]
    assert found[0].message == "job once fires no more: at 2025-12-31T09:00 has passed"
    assert (found[1].message, found[1].fix) == ("job daily is paused", "harness cron resume daily")


def test_a_missing_key_for_searching_is_a_hint_for_who_may_search(look: Look, home: Home) -> None:
    soul = home.agent("scout") / "SOUL.md"
    soul.write_text(soul.read_text().replace("[rss]", "[rss, web_search]"))

    (found,) = look("search")

    assert found.level is Level.HINT
    assert found.message.startswith("scout may use web_search, and TAVILY_API_KEY is not set")


def test_what_others_may_read_is_named_and_closed(look: Look, home: Home) -> None:
    home.logs.mkdir(parents=True, mode=0o755)
    home.state.chmod(0o700)
    home.logs.chmod(0o755)
    home.token.write_text("secret")
    home.token.chmod(0o644)
    (home.state / "worktrees").mkdir(mode=0o700)
    theirs = home.state / "worktrees" / "run.sh"
    theirs.write_text("#!/bin/sh\n")
    theirs.chmod(0o755)

    (found,) = look("permissions")

    assert (found.level, found.fixable) == (Level.WARNING, True)
    assert ".harness/token (0644)" in found.message
    assert ".harness/logs (0755)" in found.message
    assert "run.sh" not in found.message
    (done,) = mend([found])
    assert ".harness/token from 0644 to 0600" in done.message
    assert [path.stat().st_mode & 0o777 for path in (home.token, home.logs)] == [0o600, 0o700]
    assert theirs.stat().st_mode & 0o777 == 0o755
    assert look("permissions") == []


def test_an_open_folder_of_state_is_an_error_since_all_in_it_can_be_reached(
    look: Look, home: Home
) -> None:
    home.state.mkdir()
    home.state.chmod(0o755)

    (found,) = look("permissions")

    assert (found.level, ".harness (0755)" in found.message) == (Level.ERROR, True)


def test_a_file_that_the_crew_itself_may_not_write_is_told(look: Look, home: Home) -> None:
    home.state.mkdir(mode=0o700)
    home.token.write_text("secret")
    home.token.chmod(0o400)

    (found,) = look("permissions")

    mend([found])
    assert home.token.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_state_of_another_account_is_told_and_not_touched(look: Look, home: Home) -> None:
    home.state.mkdir(mode=0o700)
    home.lock.touch(mode=0o600)
    os.chown(home.lock, 4711, 4711)

    (found,) = look("permissions")

    assert (found.level, found.fixable) == (Level.WARNING, False)
    assert "another account than the home, first .harness/lock" in found.message


def test_what_an_editor_saved_while_the_house_wrote_is_named_and_stays(
    look: Look, home: Home
) -> None:
    copy = home.learnings("scout") / "LEARNINGS.md.kept-a1b2"
    copy.parent.mkdir(parents=True)
    copy.write_text("mine")

    (found,) = look("leftovers")

    assert "memory/scout/.learnings/LEARNINGS.md.kept-a1b2" in found.message
    assert found.repair is None
    assert copy.read_text() == "mine"


def test_bells_of_the_dead_and_old_drafts_are_removed_and_those_of_the_living_stay(
    look: Look, home: Home, clock: FakeClock
) -> None:
    died = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=-1)
    pid = int(died.stdout)
    heard = home.bells / f"{os.getpid()}-0"
    ends = make_pipe(heard)
    unheard, torn = home.bells / f"{pid}-0", home.bells / f".{pid}-1"
    os.mkfifo(unheard)
    os.mkfifo(torn)
    listens = home.listeners / f"01KE7CE4WGKMXK47MA5S0240JH.{os.getpid()}-0"
    left = listens.with_name(f"01KE7CE4WGKMXK47MA5S0240JH.{pid}-0")
    more_ends = make_pipe(listens)
    os.mkfifo(left)
    memory = home.memory("scout")
    memory.mkdir(parents=True)
    old, young = memory / ".MEMORY.md-a.tmp", memory / ".MEMORY.md-b.tmp"
    for draft, age in ((old, 7200), (young, 5)):
        draft.write_text("half")
        os.utime(draft, (clock.now().timestamp() - age,) * 2)
    copy, growing = (home.state / f"harness.db.v3.bak.{n}.new" for n in (pid, os.getpid()))
    copy.touch()
    growing.touch()

    (found,) = look("leftovers")
    (done,) = mend([found])

    assert (found.level, done.level) == (Level.WARNING, Level.FIXED)
    assert [path.exists() for path in (unheard, torn, left, old, copy)] == [False] * 5
    assert [path.exists() for path in (heard, listens, young, growing)] == [True] * 4
    assert look("leftovers") == []
    for end in (*ends, *more_ends):
        os.close(end)


def write_audit(home: Home, clock: FakeClock) -> Path:
    log = AuditLog(home.audit, Redactor.knowing({}))
    for number in range(3):
        log.append([Deed(stamp(clock.now()), "person", "task.sent", f"T{number}", {})])
    (file,) = home.audit.glob("*.jsonl")
    return file


def test_an_audit_that_somebody_edited_is_an_error_with_the_line(
    look: Look, home: Home, clock: FakeClock
) -> None:
    file = write_audit(home, clock)
    assert look("audit") == []
    file.write_text(file.read_text().replace("T1", "T9"))

    found = look("audit")

    assert {each.level for each in found} == {Level.ERROR}
    assert f"{file.name}:2: this line was changed" in [each.message for each in found]
    assert "harness audit verify" in str(found[0].fix)


def test_what_the_crew_obeys_is_its_owners_to_change(home: Home, look: Look) -> None:
    home.cron_file.chmod(0o664)
    (warning,) = look("orders")
    home.agents.chmod(0o777)
    (found,) = look("orders")

    assert (warning.level, found.level) == (Level.WARNING, Level.ERROR)
    assert "cron.yaml, agents" in found.message
    (done,) = mend([found])
    assert "2 files and folders" in done.message
    assert look("orders") == []
