"""The daemon's log: readable on the terminal, one JSON object a line in the file."""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog

from harness.text.secrets import Redactor

FILE_BYTES = 10 * 1024 * 1024
FILES = 5
FRAMES = 12  # shown of a traceback
QUIET = ("apscheduler", "httpx", "httpcore", "watchdog", "asyncio")  # their news is not ours


def set_up_logs(folder: Path, *, colour: bool, redactor: Redactor | None = None) -> Path:
    """Send every log record to stderr and to a rotating file in `folder`; the file's path.

    Neither shows a secret: by its name, its shape, or as a value that `redactor` knows, without
    one of this process's environment.
    """
    redactor = redactor or Redactor.knowing(os.environ)
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
    clean = without_secrets(redactor)
    on_terminal = [clean, *console(colour)]
    terminal.setFormatter(formatter(shared, "%H:%M:%S", utc=False, render=on_terminal))
    file = LogFile(path, maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8")
    in_file = [clean, structlog.processors.JSONRenderer()]
    file.setFormatter(formatter(shared, "iso", utc=True, render=in_file))
    root = logging.getLogger()
    root.handlers = [terminal, file]
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    threading.excepthook = log_crash  # Python's own prints what the exception says
    sys.unraisablehook = log_crash
    return path


class LogFile(RotatingFileHandler):
    """Says once, until it can be written again, why it cannot. Python's own words would be a page
    for each record, and show what is in it."""

    is_told = False

    def flush(self) -> None:
        super().flush()
        self.is_told = False

    def handleError(self, record: logging.LogRecord) -> None:
        if not self.is_told:
            self.is_told = True
            print(f"the log file cannot be written: {sys.exception()}", file=sys.stderr)


def log_crash(crash: threading.ExceptHookArgs | sys.UnraisableHookArgs) -> None:
    """Tell of an exception that nobody caught in the log, like of any other."""
    what = (crash.exc_type, crash.exc_value or crash.exc_type(), crash.exc_traceback)
    logging.getLogger("python").error("an exception that nobody caught", exc_info=what)


def formatter(
    shared: list[Any], form: str, *, utc: bool, render: list[Any]
) -> structlog.stdlib.ProcessorFormatter:
    stamper = structlog.processors.TimeStamper(fmt=form, utc=utc)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            stamper,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            as_text(),
            *render,
        ],
    )


def console(colour: bool) -> list[Any]:
    plain = structlog.dev.plain_traceback  # the others show local variables, and what is in them
    return [
        structlog.dev.ConsoleRenderer(colors=colour, pad_event_to=24, exception_formatter=plain)
    ]


def without_secrets(redactor: Redactor) -> Any:
    """The last processor before a record becomes text, so tracebacks go through it too."""

    def clean(logger: Any, method: str, record: Any) -> Any:
        return redactor.value(record)

    return clean


def as_text() -> Any:
    """Tracebacks as one text field: a log line stays a line, and secrets can be found in it."""
    return structlog.processors.ExceptionRenderer(short_traceback)


def short_traceback(exc_info: Any) -> str:
    """The innermost frames of an exception and of each that led to it, without their variables."""
    return "".join(traceback.format_exception(*exc_info, limit=-FRAMES)).rstrip()
