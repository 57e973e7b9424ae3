"""The way in: which command is meant, and what an error looks like from outside.

Imports are lazy here and only here: `harness --version` answers at once, and a command
that reads a table does not pay for the daemon.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn, TextIO

from harness import __version__
from harness.errors import HarnessError, ReaderGone, UsageError, explained

if TYPE_CHECKING:
    import typer

COMMANDS = {  # name: (module in this room, whether it is a group of commands)
    "init": ("init", False),
    "up": ("daemon", False),
    "down": ("daemon", False),
    "status": ("status", False),
    "doctor": ("doctor", False),
    "send": ("send", False),
    "correct": ("correct", False),
    "agents": ("agents", True),
    "skills": ("skills", True),
    "cron": ("cron", True),
    "queue": ("queue", True),
    "dead": ("dead", True),
    "approvals": ("approvals", True),
    "service": ("service", True),
    "audit": ("audit", True),
    "hooks": ("hooks", True),
    "memory": ("memory", True),
    "models": ("models", True),
    "backup": ("backup", False),
    "restore": ("backup", False),
}
CHANGES = {
    "cron",
    "queue",
    "dead",
    "approvals",
    "skills",
    "memory",
}  # groups whose writing commands lie in NAME_changes
EVERYWHERE = {"--home": 2, "--json": 1}  # options of every command, and the words they take
CANNOT_RUN = 78  # EX_CONFIG
INTERRUPTED = 130  # 128 + SIGINT, as shells do


def run() -> None:
    """Run the command of this process's arguments and exit with its code."""
    arguments = command_first(sys.argv[1:])
    if arguments[:1] == ["--version"]:
        sys.stdout.write(f"harness {__version__}\n")
        return
    try:
        prepare_streams()
        check_text(arguments)
        # not its standalone mode: an error is told in our words, and as JSON where that is asked
        ended = build(arguments)(arguments, standalone_mode=False)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except ReaderGone:  # who read our output went away, as `head` does
        silence(sys.stdout)
    except HarnessError as error:
        stop(error, arguments)
    except OSError as error:
        stop(explained(error), arguments)
    except Exception as error:
        usage = usage_error(error)
        stop(usage, arguments) if usage else crash(error)
    else:
        sys.exit(ended if isinstance(ended, int) else 0)


def stop(error: HarnessError, arguments: list[str]) -> NoReturn:
    report(error, as_json="--json" in arguments)
    # launchd starts again whatever does not succeed, also into a configuration that cannot run
    gives_up = error.exit_code == CANNOT_RUN and os.environ.get("HARNESS_SERVICE") == "launchd"
    sys.exit(0 if gives_up else error.exit_code)


def crash(error: Exception) -> NoReturn:
    """A fault of ours: the traceback, as Python shows it, without the secrets in it."""
    import traceback

    sys.stderr.write(without_secrets("".join(traceback.format_exception(error))))
    sys.exit(HarnessError.exit_code)


def without_secrets(text: str) -> str:
    """What is told of a fault, without what looks or is known to be secret."""
    from harness.text.secrets import Redactor

    return Redactor.knowing(os.environ).text(text)


def command_first(arguments: list[str]) -> list[str]:
    """`harness --home DIR status` is the same as `harness status --home DIR`."""
    options = 0
    while options < len(arguments) and arguments[options] in EVERYWHERE:
        options += EVERYWHERE[arguments[options]]
    return arguments[options:] + arguments[:options]


def prepare_streams() -> None:
    """Make whatever is printed printable, and a stream that is closed one that leads nowhere."""
    sys.stdout = sys.stdout or open_nowhere()
    sys.stderr = sys.stderr or open_nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def open_nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123


def silence(stream: TextIO) -> None:
    """Nothing that is still to be flushed may fail on the way out."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def check_text(arguments: list[str]) -> None:
    """Raises UsageError for an argument that is no text in this locale."""
    for number, argument in enumerate(arguments, start=1):
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            shown = argument.encode(errors="backslashreplace").decode()[:60]
            raise UsageError(
                f"argument {number} is not valid UTF-8: {shown}",
                hint="use UTF-8, and a locale with it, like LC_ALL=C.UTF-8",
            ) from error


def usage_error(error: Exception) -> HarnessError | None:
    """What typer says of the words of a command; None for what is no such thing."""
    import typer

    if isinstance(error, typer.Abort):
        sys.exit(INTERRUPTED)
    if not hasattr(error, "format_message"):  # what typer raises has it, whichever click it is of
        return None
    context = getattr(error, "ctx", None)
    told = error.format_message()
    if context is not None and told.startswith("Usage:"):  # a group alone: its help is the answer
        sys.stderr.write(f"{told}\n")
        sys.exit(UsageError.exit_code)
    hint = f"{context.command_path} --help" if context is not None else None
    return UsageError(told, hint=hint)


def build(arguments: list[str]) -> typer.Typer:
    """The command line with the one command that is asked for, or with all of them for help."""
    import typer

    app = typer.Typer(
        name="harness",
        help="A self-hosted crew of agents. `harness COMMAND --help` tells more of each.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(everywhere)
    meant = next((word for word in arguments[:1] if word in COMMANDS), None)
    for name in [meant] if meant else COMMANDS:
        module_name, is_group = COMMANDS[name]
        module = import_module(f"harness.cli.{module_name}")
        if is_group:
            if name in CHANGES and not only_reads(module.app, arguments):
                module.app.add_typer(import_module(f"harness.cli.{module_name}_changes").app)
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, name))
    return app


def only_reads(group: typer.Typer, arguments: list[str]) -> bool:
    """Whether a command of the group that changes nothing is meant."""
    names = {each.name or each.callback.__name__ for each in group.registered_commands}  # type: ignore[union-attr]
    return any(word in names for word in arguments[1:2])


def everywhere() -> None:
    """A self-hosted crew of agents. `harness COMMAND --help` tells more of each."""


def report(error: HarnessError, *, as_json: bool) -> None:
    """Say on stderr what went wrong: what, which one, where, what to do."""
    if as_json:
        import json

        sys.stderr.write(json.dumps({"error": shape(error)}, ensure_ascii=False) + "\n")
        return
    sys.stderr.write(without_secrets("\n".join(told(error)) + "\n"))


def told(error: HarnessError) -> Iterator[str]:
    """The error in lines for a person."""
    problems = getattr(error, "problems", None)
    if problems is not None:
        yield from (f"error: {problem.render()}" for problem in problems)
        yield f"{len(problems)} error{'s' * (len(problems) != 1)}"
        return
    yield f"error: {error}"
    if error.hint:
        yield f"hint: {error.hint}"


def shape(error: HarnessError) -> dict[str, object]:
    """The error as data; of several problems the first one has the place."""
    problems = getattr(error, "problems", None) or []
    places = [
        {
            "file": str(problem.path),
            "line": problem.line,
            "column": problem.column,
            "message": without_secrets(problem.message),
            "hint": without_secrets(problem.hint) if problem.hint else None,
        }
        for problem in problems
    ]
    hint = without_secrets(error.hint) if error.hint else None
    first = places[0] if places else {"message": without_secrets(str(error)), "hint": hint}
    more = {"problems": places} if len(places) > 1 else {}
    return {"code": error.exit_code, **first, **more}
