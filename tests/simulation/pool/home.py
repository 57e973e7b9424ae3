"""The home of six agents, a day's schedule of sixty tasks, and settings that change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from ruamel.yaml import YAML

from harness.config.home import Home
from tests.doubles.ollama import Rules
from tests.doubles.ollama.known import DENSE, EMBEDDER, GRANITE, LLAMA, MISTRAL
from tests.doubles.ollama.weights import GIB
from tests.simulation.affinity.work import HOURS

ZONE = "America/Los_Angeles"
CREW = {"zoe": "chat", "ainews": "news", "macro": "macro", "trading": "code", "content": "news",
        "butler": "chat"}  # fmt: skip
TOOLS = ("rss", "memory", "learn", "shared_context", "request")
MODELS = (DENSE, LLAMA, MISTRAL, GRANITE, EMBEDDER)
HOSTS = {  # name: what it has, and which models
    "cellar": (Rules(parallel=2, recover_seconds=1.0, memory=24 * GIB), MODELS),
    "attic": (Rules(parallel=1, recover_seconds=1.0, memory=12 * GIB, max_loaded=2),
              (DENSE, LLAMA, EMBEDDER)),
}  # fmt: skip
NIGHTS = {"night-reflect": ("reflect", 2), "night-gather": ("gather", 3), "night-compress":
          ("compress", 4)}  # fmt: skip
PROMPT = "You are {name}. Do what the task says, with your tools, and answer in Markdown."


def lay_out(root: Path, hosts: Mapping[str, str], feed: str, dice: Random) -> Home:
    """Write all files of a home whose models are at these addresses."""
    home = Home(root)
    home.agents.mkdir(parents=True)
    for name, profile in CREW.items():
        folder = home.agent(name)
        folder.mkdir()
        lines = [f"name: {name}", f"description: Does {name}.", f"model: {profile}"]
        lines += [f"tools: [{', '.join(TOOLS)}]"]
        front = "\n".join(["---", *lines, "---", ""])
        (folder / "SOUL.md").write_text(front + PROMPT.format(name=name))
        write(home.sources_file(name), [{"name": "wire", "url": f"{feed}/feed.xml"}])
    write(home.cron_file, {"timezone": ZONE, "jobs": schedule()})
    write(home.settings_file, settings(hosts, feed, dice))
    return home


def schedule() -> dict[str, Any]:
    """What is due each day: the clusters of the sample crew, and the nights."""
    jobs: dict[str, Any] = {}
    for minute, agents in HOURS.items():
        for place, agent in enumerate(agents):
            name = f"{agent}-{minute // 60:02}{minute % 60:02}-{place}"
            cron = f"{minute % 60} {minute // 60} * * *"
            jobs[name] = {"agent": agent, "cron": cron, "prompt": f"Job {name}.",
                          "overlap": "queue", "deliver": ["archive"]}  # fmt: skip
    for name, (work, hour) in NIGHTS.items():
        jobs[name] = {"agent": "zoe", "cron": f"30 {hour} * * *", "work": [work], "priority": "P2"}
    return jobs


def settings(hosts: Mapping[str, str], feed: str, dice: Random) -> dict[str, Any]:
    """Settings as a person may have them that day: slots, limits, batch and hosts differ."""
    return {
        "models": {
            "default": "chat",
            "small": dice.choice(("chat", "spare")),
            "profiles": {
                "chat": ollama(DENSE.name, "spare", "offline"),
                "news": ollama(LLAMA.name, "spare", "offline"),
                "macro": ollama(MISTRAL.name, "offline", host="cellar"),
                "code": ollama(GRANITE.name, "spare", "offline", host="cellar"),
                "spare": ollama(DENSE.name, "offline", host="attic"),
                "offline": {"provider": "extractive"},
            },
            "hosts": [host(name, url, dice) for name, url in hosts.items()],
            "embed": {"model": EMBEDDER.name},
            "pool": {"patience": "10m", "batch": dice.choice((4, 8, 32))},
            "limits": limits(dice),
            "timeouts": {"load": "2m", "first_token": "1m", "idle": "1m"},
        },
        "network": {"allow": [feed.removeprefix("http://")]},
        "delivery": {"default": ["archive"]},
        "permissions": {"unattended": "deny"},
    }


def ollama(model: str, *fallback: str, host: str | None = None) -> dict[str, Any]:
    bound = {} if host is None else {"host": host}
    return {"provider": "ollama", "model": model, "fallback": list(fallback), **bound}


def host(name: str, url: str, dice: Random) -> dict[str, Any]:
    rules, _ = HOSTS[name]
    return {
        "name": name,
        "url": url,
        "slots": dice.choice(range(1, rules.parallel + 1)),
        "models": rules.max_loaded,
        "memory": f"{rules.memory // GIB}GiB",
    }


def limits(dice: Random) -> dict[str, Any]:
    """None, ample, or such as a day reaches."""
    return dice.choice((
        {},
        {"tokens": 2_000_000, "agent": 400_000, "gpu": "3h"},
        {"tokens": 500_000, "agent": 200_000},
        {"agents": {"macro": 60_000, "harness": 20_000}},
        {"gpu": "15m"},
    ))  # fmt: skip


def write(path: Path, data: object) -> None:
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(data, file)
