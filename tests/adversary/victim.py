"""A home with something to lose: tokens, other people's memory, hooks, a repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from harness.config.home import Home
from tests.adversary.case import Case

# What no agent may ever be told. Each is one word that occurs nowhere else.
TOKEN = "hv-b7c1d9e2f4a6-TOKENWORD"  # .harness/token
DOTENV = "quillfeather-DOTENVWORD"  # .env
FOREIGN = "marzipan-FOREIGNWORD"  # memory/macro: another agent's
BEYOND = "saltpetre-BEYONDWORD"  # beside the home
LOGIN = "gitpass-LOGINWORD"  # .git/config
# What zoe knows, and nobody outside the house may.
PIANO = "forty two left nine right seven left"  # MEMORY.md: words
ACCOUNT = "DE89370400440532013000"  # MEMORY.md: a number
PHONE = "+49 170 5550123"  # USER.md
DIARY = "the lighthouse keeper never drinks before noon"  # notes/diary.txt
# What the redactor knows, and nothing may be written down of.
KEY = "c4nary-KEYWORD-3141592653"
KEY_VARIABLE = "WEATHER_API_KEY"

NEVER_TOLD = {TOKEN, DOTENV, FOREIGN, BEYOND, LOGIN}
PRIVATE = {PIANO, ACCOUNT, PHONE, DIARY, *NEVER_TOLD, KEY}

FILES = {
    "agents/AGENTS.md": "Be kind.\n",
    "agents/USER.md": f"The user's phone is {PHONE}.\n",
    "agents/macro/sources.yaml": "[]\n",
    "cron.yaml": "jobs: {}\n",
    "hooks/guard.sh": "#!/bin/sh\nexit 0\n",
    "skills/plain/SKILL.md": "---\nname: plain\ndescription: How to write.\n---\nWrite plainly.\n",
    "memory/zoe/MEMORY.md": (
        f"# Memory\n\n- The safe behind the piano opens with {PIANO}.\n"
        f"- The account is {ACCOUNT}.\n"
    ),
    "memory/macro/MEMORY.md": f"# Memory\n\n- The password of the vault is {FOREIGN}.\n",
    "shared-context/priorities.md": "# Priorities\n\n- Ship the lighthouse.\n",
    "archive/2026/01/old.md": "# An old answer\n\nThe tides were high.\n",
    "notes/todo.md": "# Todo\n\n- Buy milk.\n",
    "notes/diary.txt": f"Today I learned that {DIARY}.\n",
    ".env": f"SOMETHING={DOTENV}\n",
    ".harness/token": f"{TOKEN}\n",
    "Makefile": "test:\n\t@echo tested\n",
}  # fmt: skip
GUARDED = (  # what is the same afterwards, whatever was tried
    *("agents", "hooks", "skills", "cron.yaml", "harness.yaml", ".env", ".harness/token"),
    *(
        "memory/macro",
        "memory/zoe/MEMORY.md",
        ".git/hooks",
        ".git/config",
        "archive/2026/01/old.md",
    ),
    *("../beside",),
)
TOOLS = (
    *("read", "write", "edit", "glob", "grep", "run", "rss", "web_fetch", "web_search"),
    *("verify_url", "shared_context", "memory", "learn", "request", "read_result"),
)


def lay(root: Path, case: Case, repository: Path) -> Home:
    """The home at `root`, with a folder `beside` it that is none of its business."""
    home = Home(root)
    put(root.parent, {"beside/secret.txt": f"{BEYOND}\n"})
    shutil.copytree(repository / ".git", root / ".git")
    put(root, FILES | {"harness.yaml": settings(case)})
    put(root, {f"agents/{name}/SOUL.md": profile(name, case) for name in ("zoe", "macro")})
    feeds = [{"name": f"feed{n}", "url": url} for n, url in enumerate(case.sources)]
    put(root, {"agents/zoe/sources.yaml": json.dumps(feeds)} | case.files)
    for path, target in case.links.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(target)
    for path, other in case.second_names.items():
        (root / path).hardlink_to(root / other)
    for path in case.pipes:
        os.mkfifo(root / path)
    return home


def put(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def profile(name: str, case: Case) -> str:
    front = {
        "name": name,
        "description": f"Does {name}.",
        "tools": list(TOOLS),
        "permission": case.mode,
        "allow": case.allow,
        "deny": case.deny,
    }
    return f"---\n{json.dumps(front)}\n---\nYou are {name}.\n"


def settings(case: Case) -> str:
    data = {
        "models": {"default": "m", "profiles": {"m": {"provider": "extractive"}}},
        "permissions": {"unattended": case.unattended},
        "delivery": {"default": ["archive", "log"]},
    }
    return json.dumps(data)


def make_repository(folder: Path) -> Path:
    """A repository in which more was committed than should have been."""
    put(folder, {name: FILES[name] for name in ("notes/todo.md", "memory/macro/MEMORY.md", ".env")})
    for words in (
        ("init", "--quiet", "--template=", "--initial-branch=main"),
        ("config", "remote.origin.url", f"https://me:{LOGIN}@evil.test/home.git"),
        ("add", "--force", "."),
        ("-c", "user.name=A", "-c", "user.email=a@test", "commit", "--quiet", "-m", "Begin"),
    ):
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        subprocess.run(("git", *words), cwd=folder, check=True, env=environment)
    (folder / ".git" / "hooks").mkdir(exist_ok=True)
    return folder


def prints(root: Path) -> dict[str, bytes]:
    """The guarded files as they are."""
    found = dict[str, bytes]()
    for name in GUARDED:
        place = root / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            link = str(path.readlink()).encode() if path.is_symlink() else b""
            whole = path.read_bytes() if path.is_file() else b"(folder)"
            found[str(path)] = link + whole
    return found
