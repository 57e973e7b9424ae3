"""The way in: which command is meant, and what an error looks like from outside.

Imports are lazy here and only here: `harness --version` answers at once, and a command
that reads a table does not pay for the daemon.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from harness import __version__
from harness.errors import HarnessError

if TYPE_CHECKING:
    import typer

COMMANDS = {  # name: (module in this room, whether it is a group of commands)
    "init": ("init", False),
    "up": ("daemon", False),
    "down": ("daemon", False),
    "status": ("status", False),
    "send": ("send", False),
    "agents": ("agents", True),
    "cron": ("cron", True),
    "queue": ("queue", True),
    "dead": ("dead", True),
    "audit": ("audit", True),
    "backup": ("backup", False),
    "restore": ("backup", False),
}
CHANGES = {"cron", "queue", "dead"}  # groups whose writing commands lie in NAME_changes
INTERRUPTED = 130  # 128 + SIGINT, as shells do


def run() -> None:
    """Run the command of this process's arguments and exit with its code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--version"]:
        sys.stdout.write(f"harness {__version__}\n")
        return
    try:
        build(arguments)()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        sys.stderr.close()
        sys.exit(0)
    except HarnessError as error:
        report(error, as_json="--json" in arguments)
        sys.exit(error.exit_code)


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
    meant = next((word for word in arguments if word in COMMANDS), None)
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
    return any(word in names for word in arguments)


def everywhere() -> None:
    """A self-hosted crew of agents. `harness COMMAND --help` tells more of each."""


def report(error: HarnessError, *, as_json: bool) -> None:
    """Say on stderr what went wrong: what, which one, where, what to do."""
    if as_json:
        import json

        sys.stderr.write(json.dumps({"error": shape(error)}, ensure_ascii=False) + "\n")
        return
    problems = getattr(error, "problems", None)
    if problems is not None:
        sys.stderr.writelines(f"error: {problem.render()}\n" for problem in problems)
        sys.stderr.write(f"{len(problems)} error{'s' * (len(problems) != 1)}\n")
        return
    sys.stderr.write(f"error: {error}\n")
    if error.hint:
        sys.stderr.write(f"hint: {error.hint}\n")


def shape(error: HarnessError) -> dict[str, object]:
    """The error as data; of several problems the first one has the place."""
    problems = getattr(error, "problems", None) or []
    places = [
        {
            "file": str(problem.path),
            "line": problem.line,
            "column": problem.column,
            "message": problem.message,
            "hint": problem.hint,
        }
        for problem in problems
    ]
    first = places[0] if places else {"message": str(error), "hint": error.hint}
    more = {"problems": places} if len(places) > 1 else {}
    return {"code": error.exit_code, **first, **more}
