"""The sample home: packed in the wheel, or the checkout that this code runs from."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import harness
from harness.config.home import is_home
from harness.errors import NotFound

PARTS = ("agents", "skills", "shared-context", "cron.yaml", "harness.yaml")


def sample_home() -> Path:
    """Where the sample lies. Raises NotFound when the installation lacks it."""
    package = Path(harness.__file__).parent
    for folder in (package / "sample", package.parent):
        if is_home(folder):
            return folder
    raise NotFound("this installation carries no sample home", hint="install harness-crew again")


def copy_sample(target: Path) -> list[Path]:
    """Copy each file of the sample that `target` lacks; the files made. Overwrites nothing."""
    made = []
    for source in sample_files():
        goal = target / source.relative_to(sample_home())
        if not goal.exists():
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, goal)
            made.append(goal)
    return made


def sample_files() -> Iterator[Path]:
    for part in PARTS:
        root = sample_home() / part
        files = sorted(root.rglob("*")) if root.is_dir() else [root]
        yield from (path for path in files if path.is_file() and "__pycache__" not in path.parts)
