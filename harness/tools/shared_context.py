"""`shared_context`: the pages that all agents share, without lost updates."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from harness.config.names import did_you_mean
from harness.files import locked, mode_of, read_plain, write_whole
from harness.permission.action import Action, Trait
from harness.text.fence import unfenced
from harness.text.marks import marked, sources_of, unmarked
from harness.tools.context import ToolContext
from harness.tools.tool import Output, ToolError, tool

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
MAX_PAGE = 20_000  # characters; what is longer is read by nobody
FOLDER = "shared-context"  # of the workspace
NEW = "new"  # the version of a page that is not there


def only_reads(arguments: Mapping[str, Any]) -> bool:
    """Whether a call changes no page."""
    return arguments.get("action") in ("read", "list")


def foreseen(ctx: ToolContext, action: Action, arguments: Any) -> Action:
    """Which page the call reads or writes. Raises ToolError when it has no name of a page."""
    if arguments.action == "list":
        return replace(action, traits={Trait.READS_PRIVATE}, about="list")
    page = f"{FOLDER}/{page_name(arguments.name)}"
    if arguments.action == "read":
        return replace(action, traits={Trait.READS_PRIVATE}, reads=(page,))
    return replace(action, traits={Trait.CHANGES_STATE}, writes=(page,))


@tool(
    parallel=False,
    idempotent=only_reads,
    timeout=30,
    traits={Trait.READS_PRIVATE, Trait.CHANGES_STATE},
    plan=foreseen,
    keeps=True,
)
async def shared_context(
    ctx: ToolContext,
    action: Annotated[
        Literal["read", "write", "append", "list"],
        Field(description="`write` replaces the whole page, `append` adds to its end."),
    ],
    name: Annotated[str, Field(description="A page, such as priorities.md.")] = "",
    text: Annotated[str, Field(description="What to write or to append.")] = "",
    version: Annotated[
        str, Field(description="For write: the version that your last read of it gave.")
    ] = "",
) -> Output:
    """Read and change the pages that all agents share. `list` names them, `read` gives the version
    too. A `write` with an old version is refused: read again, put your change into
    the new text, write again. `append` needs no version."""
    pages = Pages(ctx.home.shared_context, list(ctx.taint.sources), ctx.keepable)
    match action:
        case "list":
            return await asyncio.to_thread(pages.list)
        case "read":
            return await asyncio.to_thread(pages.read, name)
        case "write":
            return await asyncio.to_thread(pages.write, name, text, version.strip())
        case "append":
            return await asyncio.to_thread(pages.append, name, text)


Keepable = Callable[[str, str], str]  # a text, and what was in its place before


def as_it_is(text: str, before: str) -> str:
    """For a hand that nobody could have led."""
    return text


class Pages:
    """The markdown files of one folder. Every method may raise ToolError.

    A page on which a session wrote that had read a stranger's words is marked so from then on,
    until a person deletes the mark.
    """

    def __init__(
        self, folder: Path, outside: Sequence[str] = (), keepable: Keepable = as_it_is
    ) -> None:
        """`outside`: whose words the session that writes has read; `keepable`: the form in
        which it may keep a text where another one was."""
        self.folder = folder
        self.outside = outside
        self.keepable = keepable

    def list(self) -> Output:
        """Every page with its version and length."""
        pages = {}
        for path in sorted(self.folder.glob("*.md")):
            if NAME.fullmatch(path.stem) and not path.is_symlink():
                pages[path.name] = read_plain(path) or ""
        lines = [
            f"{name}  version {version_of(text)}  {len(text)} characters"
            for name, text in pages.items()
        ]
        data = {name: version_of(text) for name, text in pages.items()}
        return Output("\n".join(lines) or "there are no pages yet", data)

    def read(self, name: str) -> Output:
        path = self._path(name)
        text = read_plain(path)
        if text is None:
            pages = [page.name for page in sorted(self.folder.glob("*.md"))]
            ask = did_you_mean(path.name, pages) or f"known: {', '.join(pages) or 'none'}"
            raise ToolError(f"there is no page `{path.name}`; {ask}")
        version = version_of(text)
        data = told(path, version) | {"text": text}
        if sources_of(text):
            return Output(text, data, source=f"{FOLDER}/{path.name}", remark=f"version: {version}")
        return Output(f"version: {version}\n\n{text}", data)

    def write(self, name: str, text: str, version: str) -> Output:
        """Replace a page whose version is still the one given, or make a new one."""
        path, text = self._path(name), bare(text)
        if not text.strip():
            raise ToolError("text is empty: a page is not emptied by writing nothing")
        with locked(self.folder):
            before = read_plain(path)
            if before is not None or version not in {"", NEW}:
                self._compare(path, before, version)
            kept = self.keepable(text, before or "")
            return save(path, self._marked(kept, before or ""))

    def append(self, name: str, text: str) -> Output:
        """Add to the end of a page, which is made when it is missing."""
        path, text = self._path(name), bare(text)
        if not text.strip():
            raise ToolError("text is empty: there is nothing to append")
        with locked(self.folder):
            before = (read_plain(path) or "").rstrip("\n")
            added = self.keepable(text, before)
            return save(path, self._marked(f"{before}\n{added}" if before else added, before))

    def _marked(self, text: str, before: str) -> str:
        """The text with the mark that the page had, and that of the session."""
        return marked(unmarked(text), [*sources_of(before), *self.outside])

    def _compare(self, path: Path, before: str | None, version: str) -> None:
        """Refuse a write that would undo what somebody else wrote meanwhile."""
        current = NEW if before is None else version_of(before)
        if version == current:
            return
        if before is None:
            why = f"`{path.name}` is gone; write it again without a version to make it anew"
        elif version:
            why = (
                f"`{path.name}` was changed since version {version}; it is now {current}. Read it "
                "again, put your change into the new text, and write with that version"
            )
        else:
            why = (
                f"`{path.name}` exists (version {current}). Read it first, and write with the "
                "version that you read; or use append"
            )
        raise ToolError(f"not written: {why}.")

    def _path(self, name: str) -> Path:
        return self.folder / page_name(name)


def bare(text: str) -> str:
    """What a page says, without the mark and the block in which the model reads it."""
    return unmarked(unfenced(text))


def page_name(name: str) -> str:
    """The file name of a page. Raises ToolError for what names none."""
    stem = name.strip().removesuffix(".md")
    if not NAME.fullmatch(stem):
        raise ToolError(
            f"{name!r} is no page name: letters, digits, hyphen and underscore, as in priorities.md"
        )
    return f"{stem}.md"


def save(path: Path, text: str) -> Output:
    whole = text.rstrip("\n") + "\n"
    if len(whole) > MAX_PAGE:
        raise ToolError(
            f"not written: `{path.name}` would have {len(whole)} characters and may have "
            f"{MAX_PAGE}. Shorten it"
        )
    write_whole(path, whole, mode=mode_of(path))
    version = version_of(whole)
    return Output(f"`{path.name}` is written; its version is now {version}", told(path, version))


def version_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def told(path: Path, version: str) -> dict[str, str]:
    return {"name": path.name, "version": version}
