"""`harness service`: the crew under systemd or launchd."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import typer

from harness.cli.output import HomeOption, JsonOption, emit, facts, note, say, the_home
from harness.errors import HarnessError
from harness.install import placing
from harness.install.placing import Ran
from harness.install.service import Scope, Service, manager_here, service_of

app = typer.Typer(no_args_is_help=True, help="Run the crew as a service.")

SystemOption = Annotated[
    bool, typer.Option("--system", help="Of the machine, from its start on; needs root.")
]
PrintOption = Annotated[
    bool, typer.Option("--print", help="Print the unit file, and do nothing else.")
]


@app.command()
def install(
    system: SystemOption = False,
    show: PrintOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the unit file and start the service."""
    service = the_service(home, system)
    if show:
        return print_unit(service, as_json=as_json)
    return tell(service, "installed", placing.install(service), as_json=as_json)


@app.command()
def uninstall(
    system: SystemOption = False, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Stop the service and remove its unit file; the home stays as it is."""
    service = the_service(home, system)
    tell(service, "removed", placing.uninstall(service), as_json=as_json)


@app.command()
def status(
    system: SystemOption = False,
    show: PrintOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Whether the service is installed, in date, and running. Exit code 3: it is not installed."""
    service = the_service(home, system)
    if show:
        return print_unit(service, as_json=as_json)
    now = placing.standing(service)
    if as_json:
        emit({**named(service), **vars(now)})
    else:
        facts(
            {
                "service": f"{service.name} ({service.manager}, {service.scope})",
                "file": f"{now.file}{'' if now.installed else ' (not there)'}",
                "in date": ("yes" if now.in_date else "no") if now.installed else None,
                **{name: value for name, value in now.facts.items() if value},
            }
        )
        for hint in now.hints:
            note(hint)
    if not now.installed:
        raise typer.Exit(3)
    return None


def the_service(home: Any, system: bool) -> Service:
    scope = Scope.SYSTEM if system else Scope.USER
    return service_of(the_home(home), scope, manager_here())


def print_unit(service: Service, *, as_json: bool) -> None:
    text = placing.render(service)
    if as_json:
        emit({**named(service), "file": placing.file_of(service), "unit": text})
    else:
        say(text.rstrip("\n"))


def tell(service: Service, done: str, ran: list[Ran], *, as_json: bool) -> None:
    """What was written and run, and what is left for a person to run."""
    file = placing.file_of(service)
    if as_json:
        emit({**named(service), "file": file, "ran": [vars(each) for each in ran]})
    else:
        say(f"{done}: {file}")
        for each in ran:
            say(f"  {'ran' if each.ok else 'left'}  {shlex.join(each.command)}")
    failed = [each for each in ran if not each.ok]
    if failed:
        first = failed[0]
        raise HarnessError(
            f"the file is {done}, and `{shlex.join(first.command)}` failed: {first.said}",
            hint="run what is left where the service manager can be reached",
        )


def named(service: Service) -> dict[str, object]:
    return {"service": service.name, "manager": service.manager, "scope": service.scope}
