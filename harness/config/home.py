"""A home: the folder that holds one crew, and where everything in it lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.errors import NotFound


@dataclass(frozen=True)
class Home:
    """The paths of one crew (docs/contract: Home). Nothing is read or made here."""

    root: Path

    @property
    def cron_file(self) -> Path:
        return self.root / "cron.yaml"

    @property
    def settings_file(self) -> Path:
        return self.root / "harness.yaml"

    @property
    def agents(self) -> Path:
        return self.root / "agents"

    @property
    def protocol_file(self) -> Path:
        return self.agents / "AGENTS.md"

    @property
    def user_file(self) -> Path:
        return self.agents / "USER.md"

    def agent(self, name: str) -> Path:
        return self.agents / name

    def sources_file(self, agent: str) -> Path:
        return self.agents / agent / "sources.yaml"

    @property
    def skills(self) -> Path:
        return self.root / "skills"

    @property
    def shared_context(self) -> Path:
        return self.root / "shared-context"

    def memory(self, agent: str) -> Path:
        return self.root / "memory" / agent

    def memory_file(self, agent: str) -> Path:
        return self.memory(agent) / "MEMORY.md"

    def learnings(self, agent: str) -> Path:
        return self.memory(agent) / ".learnings"

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def state(self) -> Path:
        return self.root / ".harness"

    @property
    def database(self) -> Path:
        return self.state / "harness.db"

    @property
    def index(self) -> Path:
        return self.state / "memory.db"

    @property
    def ledger(self) -> Path:
        return self.state / "ledger.db"

    @property
    def pool(self) -> Path:
        return self.state / "pool.json"

    @property
    def listeners(self) -> Path:
        return self.state / "listeners"

    @property
    def sessions(self) -> Path:
        return self.state / "sessions"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def cache(self) -> Path:
        return self.state / "cache"

    @property
    def audit(self) -> Path:
        return self.state / "audit"

    @property
    def token(self) -> Path:
        return self.state / "token"

    @property
    def lock(self) -> Path:
        return self.state / "lock"

    @property
    def bells(self) -> Path:
        return self.state / "bells"


def is_home(folder: Path) -> bool:
    return (folder / "cron.yaml").is_file() and (folder / "agents").is_dir()


def is_or_was_home(folder: Path) -> bool:
    parts = (folder / "cron.yaml").is_file() or (folder / "agents").is_dir()
    return is_home(folder) or (parts and Home(folder).state.is_dir())


def find_home(given: Path | None, environment: str | None, start: Path) -> Home:
    """The home that a command means: `--home`, `HARNESS_HOME`, the nearest folder upward
    from `start` that is one, else `~/harness`. One that has lost a part counts: a daemon may
    run in it, and what is missing is better told by name. Raises NotFound for no home."""
    named = given or (Path(environment) if environment else None)
    if named is None:
        nearest = (folder for folder in (start, *start.parents) if is_or_was_home(folder))
        named = next(nearest, Path.home() / "harness")
    root = named.expanduser().resolve()
    if not is_or_was_home(root):
        raise NotFound(
            f"{root} is no home: it has no cron.yaml beside an agents folder",
            hint=f"make one with: harness init {root}",
        )
    return Home(root)
