"""What the benchmarks of the schedule promise besides their figures, which need a quiet machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.exists(), reason="no benchmarks beside the tests")


def figures(script: str, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, str(BENCHMARKS / script), "--json", *arguments]
    told: dict[str, Any] = json.loads(subprocess.check_output(command, text=True))
    return told


def test_a_week_of_the_sample_schedule_fires_what_was_planned_and_tells_the_outage() -> None:
    week = figures("week.py")
    rows = {row["job"]: row for row in week["rows"]}

    assert (week["differences"], week["recorded"]) == (0, week["planned"])
    assert week["planned"] >= 70
    assert week["seconds"] < 10
    missed = [name for name, row in rows.items() if row["missed"]]
    assert missed == ["macro-premarket", "trading-premarket", "butler-morning"]
    # once: within the grace it fires when the crew is back
    assert [name for name, row in rows.items() if row["late"]] == ["ainews-morning", "zoe-morning"]
    assert sum(row["skipped"] for row in rows.values()) == 0


def test_jobs_that_are_due_together_are_all_stored_and_requested() -> None:
    due = figures("due.py", "--jobs", "300", "--month-jobs", "5")

    assert [due[name] for name in ("slots_stored", "fired", "requests")] == [300, 300, 300]
    assert due["month_slots"] == 5 * 30 * 24
    assert max(due["longest_block_ms"], due["month_block_ms"]) < 1000
