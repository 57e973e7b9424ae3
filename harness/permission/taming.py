"""How git is run so that a repository cannot have programs of its own run by it.

A repository's config names hooks, filters, monitors, pagers and signers, and its own files can be
written by whoever writes in the workspace. So no git command is harmless by its words alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.permission.git import NETWORK

SHOWS_CHANGES = frozenset({"diff", "log", "show"})
HARMLESS_CONFIG = (
    *("core.fsmonitor=false", "core.hooksPath=/dev/null", "core.pager=cat", "core.editor=false"),
    *("core.askPass=false", "core.sshCommand=ssh", "core.gitProxy=", "core.alternateRefsCommand="),
    *("core.attributesFile=/dev/null", "credential.helper=", "sequence.editor=false"),
    *("gpg.program=false", "gpg.ssh.program=false", "gpg.x509.program=false"),
    *("log.showSignature=false", "commit.gpgSign=false", "tag.gpgSign=false"),
    *("push.gpgSign=false", "gc.auto=0", "maintenance.auto=false"),
    *("diff.ignoreSubmodules=all", "submodule.recurse=false"),
    *("status.submoduleSummary=false", "safe.bareRepository=explicit", "protocol.ext.allow=never"),
    *("blame.ignoreRevsFile=", "diff.orderFile=/dev/null", "core.excludesFile=/dev/null"),
    *("mailmap.file=/dev/null", "grep.fallbackToNoIndex=false"),
)  # fmt: skip
NEEDS_NO_REPOSITORY = {"init", "clone"}
PROGRAMS = ("clean", "smudge", "process", "textconv", "command", "driver")


def tamed(
    argv: Sequence[str], folder: Path, named: Iterable[str]
) -> tuple[list[str], dict[str, str]]:
    """How to run a call of git so that the repository in `folder` runs nothing of its own.

    `named` are the keys of the repository's config. Returns the words, without `git`, and what
    is added to the environment. No folder above `folder` is taken for a repository.
    """
    settings = [*HARMLESS_CONFIG, *_unset(named)]
    flags = [flag for setting in settings for flag in ("-c", setting)]
    words = list(argv[1:])
    at = next((n for n, word in enumerate(words) if not word.startswith("-")), len(words))
    given = words[at] if at < len(words) else ""
    at += 2 if words[at : at + 2] == ["stash", "show"] else 1
    if given in SHOWS_CHANGES or words[at - 2 : at] == ["stash", "show"]:
        words[at:at] = ["--no-ext-diff", "--no-textconv"]
    elif given in {"blame", "grep"}:
        words.insert(at, "--no-textconv")
    return [*flags, *words], _environment(given, folder)


def _unset(named: Iterable[str]) -> Iterable[str]:
    """Settings that empty every alias, filter, driver and converter which the config names."""
    for key in named:
        section, _, last = key.rpartition(".")
        kind = section.partition(".")[0]
        if kind == "alias" or (kind in {"filter", "diff", "merge"} and last in PROGRAMS):
            yield f"{key}="
        if kind == "filter":
            yield f"{section}.required=false"


def _environment(given: str, folder: Path) -> dict[str, str]:
    added = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_PAGER": "cat",
        "GIT_EDITOR": "false",
        "GIT_ASKPASS": "false",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        "GIT_ALLOW_PROTOCOL": "https:ssh" if given in NETWORK else "none",
    }
    if given not in NEEDS_NO_REPOSITORY:
        added |= {"GIT_DIR": str(folder / ".git"), "GIT_WORK_TREE": str(folder)}
    return added
