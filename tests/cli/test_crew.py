"""agents, cron, status and init."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness import __version__
from harness.config.home import Home
from tests.cli.conftest import Harness


def test_the_version_is_told_without_loading_anything() -> None:
    code = (
        "import sys; sys.argv = ['harness', '--version']\n"
        "from harness.cli.main import run; run()\n"
        "heavy = {'typer', 'pydantic', 'sqlmodel', 'sqlalchemy', 'httpx', 'apscheduler'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"harness {__version__}\n"


def test_commands_that_only_read_do_not_load_what_writes() -> None:
    code = (
        "import harness.cli.queue, harness.cli.dead, sys\n"
        "heavy = {'pydantic', 'sqlmodel', 'sqlalchemy', 'httpx', 'apscheduler', 'ollama'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_cron_list_has_the_shape_of_the_contract(harness: Harness) -> None:
    morning, rare = harness("cron", "list", "--json").document

    assert morning.keys() >= {
        *("job", "agent", "cron", "timezone", "enabled", "next_run", "last_slot", "last_status")
    }
    assert (morning["job"], morning["cron"], morning["timezone"]) == (
        *("morning", "30 7 * * 1-5"),
        "Europe/Berlin",
    )
    assert morning["next_run"][10:16] == "T07:30"
    assert (rare["job"], rare["enabled"], rare["next_run"]) == ("rare", False, None)


def test_cron_next_shows_the_time_on_the_wall_of_the_job(harness: Harness) -> None:
    slots = harness(
        *("cron", "next", "morning", "--from", "2026-03-27", "--until", "2026-04-01", "--json")
    ).document

    assert [slot["slot"] for slot in slots] == [
        "2026-03-27T07:30:00+01:00",
        "2026-03-30T07:30:00+02:00",
        "2026-03-31T07:30:00+02:00",
    ]


def test_cron_run_asks_by_the_same_path_as_on_time(harness: Harness) -> None:
    task = harness("cron", "run", "morning", "--json").document

    assert (task["agent"], task["job"], task["from"]) == ("scout", "morning", "person")
    assert task["deliver"] == ["archive"]


def test_cron_run_sends_the_answer_where_the_settings_say(harness: Harness, home: Home) -> None:
    home.settings_file.write_text("delivery: {default: [log]}\n")
    home.cron_file.write_text("jobs: {a: {agent: scout, cron: '0 7 * * *', prompt: Go.}}\n")

    assert harness("cron", "run", "a", "--json").document["deliver"] == ["log"]


def test_a_paused_job_has_no_next_run_until_it_is_resumed(harness: Harness) -> None:
    harness("cron", "pause", "morning")
    paused = harness("cron", "list", "--json").document
    harness("cron", "resume", "morning")

    assert {row["job"]: row["next_run"] for row in paused}["morning"] is None
    assert harness("cron", "list", "--json").document[0]["next_run"] is not None


def test_a_bad_schedule_is_told_with_file_line_and_column(harness: Harness, home: Home) -> None:
    home.cron_file.write_text(
        'jobs:\n  a:\n    cron: "0 25 * * *"\n    agent: scuot\n    prompt: Go.\n'
    )

    said = harness("cron", "lint")

    assert said.code == 78
    assert f"{home.cron_file}:3:14: hour 25 is out of range (0-23)" in said.err
    assert "did you mean `scout`?" in said.err
    assert "2 errors" in said.err


def test_agents_list_show_new_and_lint(harness: Harness, home: Home) -> None:
    (scout,) = harness("agents", "list", "--json").document
    assert (scout["agent"], scout["jobs"]) == ("scout", ["morning", "rare"])

    assert "You look." in harness("agents", "show", "scout").out
    assert harness("agents", "show", "scot").code == 4
    assert harness("agents", "new", "clerk").code == 0
    assert harness("agents", "new", "clerk").code == 6
    assert harness("agents", "new", "Not A Name").code == 2
    assert harness("agents", "lint").code == 0

    (home.agent("clerk") / "SOUL.md").write_text("---\nname: clerk\n---\n")
    said = harness("agents", "lint")
    assert said.code == 78
    assert "SOUL.md:" in said.err
    assert "description" in said.err


def test_lint_tells_of_a_bad_source_too(harness: Harness, home: Home) -> None:
    home.sources_file("scout").write_text("- {name: A, url: 'ftp://example.org'}\n")

    said = harness("agents", "lint")

    assert said.code == 78
    assert "sources.yaml:1" in said.err


def test_status_of_a_crew_that_does_not_run_is_exit_code_3(harness: Harness) -> None:
    harness("send", "scout", "Look.")

    said = harness("status", "--json")

    assert said.code == 3
    assert said.document["running"] is False
    assert said.document["lanes"]["scout"]["request"] == 1
    assert said.document["next"][0]["job"] == "morning"
    assert "not running" in harness("status").out


def test_down_without_a_daemon_says_so(harness: Harness) -> None:
    said = harness("down", "--json")

    assert (said.code, said.document["stopped"]) == (0, False)


def test_init_makes_a_home_that_is_in_order_and_overwrites_nothing(
    harness: Harness, tmp_path: Path
) -> None:
    target = tmp_path / "new"

    made = harness("init", target, "--json").document
    (target / "cron.yaml").write_text("jobs: {}\n# mine\n")
    again = harness("init", target, "--json").document

    assert {"cron.yaml", "agents/ainews/SOUL.md", "agents/AGENTS.md"} <= set(made["files"])
    assert again["files"] == []
    assert (target / "cron.yaml").read_text() == "jobs: {}\n# mine\n"
    assert (target / ".gitignore").read_text() == "/.harness/\n"


def test_the_sample_home_has_no_faults(harness: Harness, tmp_path: Path) -> None:
    harness("init", tmp_path / "new")

    said = harness("agents", "lint", "--home", tmp_path / "new")

    assert (said.code, said.err) == (0, "")
