"""The wheel is all that an installation needs: it carries the sample home and the prompts."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_carries_the_sample_home(tmp_path: Path) -> None:
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path))
    subprocess.run((*build, str(ROOT)), check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    home = tmp_path / "home"

    # -P and an empty folder to start from: nothing of this checkout may answer instead
    code = f"import sys; sys.path.insert(0, {str(site)!r}); import harness.cli.main as m; m.run()"
    made = subprocess.run(
        (sys.executable, "-P", "-c", code, "init", str(home)),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert made.returncode == 0, made.stderr
    names = {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}
    assert {"cron.yaml", "harness.yaml", "agents/ainews/sources.yaml"} <= names
    assert "skills/news-digest/SKILL.md" in names
    assert list((site / "harness" / "session" / "prompts").glob("*.md"))
    assert list((site / "harness" / "bus" / "migrations").glob("*.sql"))
