"""Word of changes in folders, as far as the system gives any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import structlog
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

log = structlog.get_logger("reloader")


class FolderWatch:
    """Rings after every change in the folders that it follows; `ring` is called in a thread."""

    def __init__(self, ring: Callable[[], object]) -> None:
        self.bell = Bell(ring)
        self.folders: Mapping[Path, bool] = {}
        self.observer: BaseObserver | None = None

    def follow(self, folders: Mapping[Path, bool]) -> None:
        """Watch these folders and no others, each with all below it or alone.

        Where the system has no more watches to give, it says so once and rings no more.
        """
        if folders == self.folders:
            return
        self.close()
        self.folders = folders
        observer = Observer()
        try:
            for folder, with_all_below in folders.items():
                observer.schedule(self.bell, str(folder), recursive=with_all_below)
            observer.start()
        except OSError as error:
            observer.stop()  # what has begun to watch
            log.warning("the system tells of no changes", reason=error.strerror or str(error))
        else:
            self.observer = observer

    def close(self) -> None:
        if self.observer is not None:
            self.observer.stop()
            self.observer.join()
            self.observer = None


class Bell(FileSystemEventHandler):
    """Rings on every change; only the fingerprint decides whether it matters."""

    def __init__(self, ring: Callable[[], object]) -> None:
        self.ring = ring

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in {"opened", "closed_no_write"}:
            self.ring()
