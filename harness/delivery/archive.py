"""The archive: every delivered answer as a page under `archive/YYYY/MM/`, a vault for Obsidian."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from harness.bus.port import Task
from harness.config.home import Home
from harness.delivery.page import page
from harness.files import make_folder, write_whole
from harness.text.slugs import slug

ID_TAIL = 6  # characters of an id that are chance alone, and tell tasks of one minute apart


class Archive:
    """The channel `archive`."""

    name = "archive"

    def __init__(self, home: Home, zone: tzinfo) -> None:
        self.home = home
        self.zone = zone  # of the dates in file names and front matter

    async def deliver(self, task: Task) -> str:
        """Write the page and return its path, relative to the home. Raises OSError.

        A second hand-over finds the page, and leaves it as it is, with what a person may have
        written into it: by the end of its name, since the rest of it depends on the time zone.
        """
        path = await asyncio.to_thread(self.put, task)
        return path.relative_to(self.home.root).as_posix()

    def path(self, task: Task) -> Path:
        finished = task.updated_at.astimezone(self.zone)
        parts = (slug(task.agent), slug(task.title), task.id[-ID_TAIL:])
        name = "-".join([f"{finished:%Y-%m-%d-%H%M}", *filter(None, parts)])
        return self.home.archive / f"{finished:%Y}" / f"{finished:%m}" / f"{name}.md"

    def put(self, task: Task) -> Path:
        """Write the page unless it is there; where it is."""
        path = self.path(task)
        for folder in {path.parent, *months_beside(task.updated_at, self.home.archive)}:
            for before in folder.glob(f"*-{task.id[-ID_TAIL:]}.md"):
                if before == path or task.id in before.read_text("utf-8", "replace"):
                    return before
        make_folder(path.parent)
        write_whole(path, page(task, self.zone))
        return path


def months_beside(moment: datetime, archive: Path) -> list[Path]:
    """The folders in which a page of that moment may lie, whatever the zone was."""
    days = (moment - timedelta(days=1), moment + timedelta(days=1))
    return [archive / f"{day:%Y}" / f"{day:%m}" for day in days]
