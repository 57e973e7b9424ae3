"""The daemon's log: readable on the terminal, one JSON object a line in the file."""

from __future__ import annotations

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog

FILE_BYTES = 10 * 1024 * 1024
FILES = 5
QUIET = ("apscheduler", "httpx", "httpcore", "watchdog", "asyncio")  # their news is not ours


def set_up_logs(folder: Path, *, colour: bool) -> Path:
    """Send every log record to stderr and to a rotating file in `folder`; the file's path."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "harness.log"
    path.touch(mode=0o600)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(formatter(shared, "%H:%M:%S", utc=False, render=console(colour)))
    file = RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8")
    file.setFormatter(
        formatter(shared, "iso", utc=True, render=[as_text(), structlog.processors.JSONRenderer()])
    )
    root = logging.getLogger()
    root.handlers = [terminal, file]
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    return path


def formatter(
    shared: list[Any], form: str, *, utc: bool, render: list[Any]
) -> structlog.stdlib.ProcessorFormatter:
    stamper = structlog.processors.TimeStamper(fmt=form, utc=utc)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            stamper,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *render,
        ],
    )


def console(colour: bool) -> list[Any]:
    return [structlog.dev.ConsoleRenderer(colors=colour, pad_event_to=24)]


def as_text() -> Any:
    """Tracebacks as one text field, so that a log line stays a line."""
    return structlog.processors.format_exc_info
