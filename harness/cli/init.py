"""`harness init`: a new home with the sample crew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.output import JsonOption, emit, say
from harness.cli.sample import copy_sample
from harness.config.home import Home
from harness.errors import UsageError


def init(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="The new home.")] = Path(
        "~/harness"
    ),
    as_json: JsonOption = False,
) -> None:
    """Make a new home with the sample crew; files that are there already stay as they are."""
    home = directory.expanduser().resolve()
    if home.exists() and not home.is_dir():
        raise UsageError(f"{home} is a file", hint="name a folder, which is made if it is missing")
    home.mkdir(parents=True, exist_ok=True)
    made = [*copy_sample(home), *keep_state_out(home)]
    (home / "memory").mkdir(exist_ok=True)
    if as_json:
        emit({"home": home, "files": [str(path.relative_to(home)) for path in made]})
        return
    say(f"{home}: {len(made)} files made" if made else f"{home}: complete already, nothing made")
    say(f"  start the crew   harness up --home {home}")
    say(f'  ask for a digest harness send ainews "Digest now" --wait --home {home}')
    say(f"  change the day   {home / 'cron.yaml'}")


def keep_state_out(home: Path) -> list[Path]:
    """A home may become a git repository: its memory belongs into it, the machine's state does
    not."""
    ignored = home / ".gitignore"
    if ignored.exists():
        return []
    ignored.write_text(f"/{Home(home).state.name}/\n")
    return [ignored]
