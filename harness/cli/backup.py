"""`harness backup` and `harness restore`: the whole home in one file, and back."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from harness.backup.pack import Made, make_backup
from harness.backup.restore import Restored
from harness.backup.restore import restore as put_back
from harness.cli.output import HomeOption, JsonOption, emit, facts, note, say, the_home
from harness.cli.posting import audit
from harness.config.home import Home, find_home
from harness.errors import HarnessError, NotFound

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]


def backup(
    file: FileArgument,
    with_token: Annotated[
        bool, typer.Option("--with-token", help="Pack .harness/token, a secret, too.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the home to one file; the crew may go on working."""
    place = the_home(home)
    target = file.expanduser().absolute()
    try:
        made = make_backup(place, target, datetime.now(UTC), token=with_token)
    except OSError as error:
        raise HarnessError(f"the backup was not made: {error}") from error
    audit(place, "backup.made", str(target), files=len(made.manifest.members), token=with_token)
    if as_json:
        emit(made_shape(made))
        return
    tell_made(made)


def tell_made(made: Made) -> None:
    manifest = made.manifest
    say(f"{made.file}: {len(manifest.members)} files, {made.size / 1024:,.0f} KiB")
    facts(
        {
            "tasks": ", ".join(f"{count} {state}" for state, count in manifest.tasks.items()) or 0,
            "in flight": len(manifest.in_flight) or None,
            "schema": manifest.schema,
        }
    )
    for name in made.skipped:
        note(f"left out, since it is a link or no plain file: {name}")


def made_shape(made: Made) -> dict[str, object]:
    manifest = made.manifest
    return {
        "file": str(made.file),
        "bytes": made.size,
        "home": manifest.home,
        "made_at": manifest.made_at,
        "version": manifest.version,
        "schema": manifest.schema,
        "files": len(manifest.members),
        "tasks": manifest.tasks,
        "in_flight": list(manifest.in_flight),
        "skipped": list(made.skipped),
    }


def restore(file: FileArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Check a backup, then put it in the place of the home, which is kept beside it."""
    place = target_of(home)
    try:
        done = put_back(file.expanduser().absolute(), place, datetime.now(UTC))
    except OSError as error:
        raise HarnessError(f"nothing was restored: {error}") from error
    audit(Home(place), "backup.restored", str(file), made_at=done.manifest.made_at)
    if as_json:
        emit(restored_shape(done))
        return
    tell_restored(done)


def target_of(given: Path | None) -> Path:
    """The folder to restore: a home by the usual search, or one that is yet to be."""
    named = given or (Path(home) if (home := os.environ.get("HARNESS_HOME")) else None)
    if named is not None:
        return named.expanduser().resolve()
    try:
        return find_home(None, None, Path.cwd()).root
    except NotFound:
        return (Path.home() / "harness").resolve()


def tell_restored(done: Restored) -> None:
    manifest = done.manifest
    say(f"{done.home} is as it was at {manifest.made_at}: {len(manifest.members)} files")
    if done.before:
        say(f"what was there before is kept in {done.before}")
    if done.left_behind:
        note(f"only there, since no backup holds them: {', '.join(done.left_behind)}")
    for task in manifest.in_flight:
        note(f"task {task} was under way then; the next harness up takes it over")


def restored_shape(done: Restored) -> dict[str, object]:
    manifest = done.manifest
    return {
        "home": str(done.home),
        "before": str(done.before) if done.before else None,
        "made_at": manifest.made_at,
        "version": manifest.version,
        "schema": manifest.schema,
        "files": len(manifest.members),
        "tasks": manifest.tasks,
        "in_flight": list(manifest.in_flight),
        "left_behind": list(done.left_behind),
    }
