"""Where in the home an agent may look, and where it may write: what no rule can loosen.

Whoever can write a profile, a setting, the schedule or a hook can do anything; whoever can
read the token, the database or a stranger's memory knows what is not his.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from harness import rooted

# the first part of a path: what lies below belongs to people and to the runtime
GUARDED = {
    "agents": "agents do not change profiles",
    "skills": "agents do not change skills",
    "hooks": "agents do not change hooks",
    "cron.yaml": "agents do not change the schedule",
    "harness.yaml": "agents do not change the settings",
    "memory": "memory is written by the tools `memory` and `learn` alone",
    "archive": "the archive holds what was delivered, as it was delivered",
    ".harness": "it belongs to the runtime",
}
ANYWHERE = {".git": "it belongs to git", ".harness": "it belongs to the runtime"}
SECRET_NAMES = (
    *(".env", ".env.*", "*.env", ".envrc", "*.pem", "*.key", "*.p12", "*.pfx", "*.kdbx"),
    *("id_rsa*", "id_ed25519*", "id_ecdsa*", "id_dsa*", ".netrc", "_netrc", ".pgpass"),
    *(".npmrc", ".pypirc", ".git-credentials", "credentials", "credentials.json"),
    *("secrets.y*ml", "secrets.json", "secrets.toml", "secrets.txt"),
    *("token", "*.token", ".htpasswd", "*.keystore", "*.jks"),
)
SECRET_FOLDERS = {".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".gcloud", "secrets"}
HARMLESS = {".env.example", ".env.sample", ".env.template"}
OUTSIDE = ("archive",)  # holds words of strangers, as they were delivered


@dataclass(frozen=True)
class Places:
    """What one agent may not touch in a home. Paths are relative to it, and normal."""

    agent: str
    runtime: tuple[str, ...] = ()  # where this very program lies, when that is in the home

    def hidden(self, path: str) -> str | None:
        """Why the agent may not read what lies there, or None."""
        parts = folded(path)
        if ".harness" in parts:
            return "it belongs to the runtime"
        if len(parts) > 1 and parts[0] == "memory" and parts[1] != rooted.folded(self.agent):
            return "it is another agent's memory"
        if is_secret(parts):
            return "it looks like a place for secrets"
        return None

    def guarded(self, path: str) -> str | None:
        """Why the agent may not write there, or None."""
        parts = folded(path)
        if not parts:
            return "it is the whole workspace"
        for part in parts:
            if part in ANYWHERE:
                return ANYWHERE[part]
        if any(parts[: len(own)] == own for own in map(folded, self.runtime)):
            return "the program that runs the crew lies there"
        return GUARDED.get(parts[0]) or self.hidden(path)

    def is_outside(self, path: str) -> bool:
        """Whether what lies there are words of strangers."""
        return folded(path)[:1] == OUTSIDE


def folded(path: str) -> tuple[str, ...]:
    """The parts of a path in the form in which names are compared: some disks know no case."""
    return PurePosixPath(rooted.folded(path)).parts


def is_secret(parts: tuple[str, ...]) -> bool:
    """Whether a path is one under which people keep secrets."""
    if not SECRET_FOLDERS.isdisjoint(parts[:-1]):
        return True
    name = parts[-1] if parts else ""
    if ".git" in parts[:-1] and name.startswith("config"):
        return True  # addresses with passwords in them; those of modules and worktrees, too
    return name not in HARMLESS and any(fnmatchcase(name, each) for each in SECRET_NAMES)
