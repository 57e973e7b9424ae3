"""`harness models`: which models there are, where they run, what they did and for whom."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import typer

from harness.cli.model_use import ModelsNow, models_now, seconds, use_lines
from harness.cli.output import (
    HomeOption,
    JsonOption,
    LimitOption,
    age,
    emit,
    facts,
    say,
    table,
    the_home,
)
from harness.cli.plan import plan
from harness.cli.pool_board import read_board
from harness.cli.remembering import now_in
from harness.clock import unstamp
from harness.config.home import Home
from harness.config.settings import HostSettings, ModelProfile, ModelsSettings, read_settings
from harness.models.glance import Server, ask
from harness.models.ledger.reader import LedgerReader
from harness.models.limits.limit import sum_of_money

app = typer.Typer(no_args_is_help=True, help="Models: which there are, what they do, for whom.")
app.command()(plan)

GIB = 1 << 30
MADE_UP = ("extractive", "scripted")  # providers that need no server


@app.command("list")
def list_profiles(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """The profiles of harness.yaml, and whether their models are there."""
    place = the_home(home)
    settings = read_settings(place.settings_file, os.environ).models
    servers = glance(settings.hosts)
    shapes = [
        profile_shape(name, profile, settings, servers) | {"chain": settings.chain(name)}
        for name, profile in settings.profiles.items()
    ]
    if as_json:
        emit(shapes)
        return
    headers = ("profile", "model", "host", "context", "chain", "price", "is", "there")
    table(headers, [profile_row(shape) for shape in shapes], "no profiles")


def profile_shape(
    name: str,
    profile: ModelProfile,
    settings: ModelsSettings,
    servers: Mapping[str, Server],
) -> dict[str, Any]:
    hosts = settings.hosts_of(profile)
    there, trouble = presence(profile, [servers[host.name] for host in hosts])
    price = profile.price
    return {
        "profile": name,
        "provider": profile.provider,
        "model": profile.model or None,
        "hosts": [host.name for host in hosts],
        "base_url": profile.base_url,
        "num_ctx": profile.num_ctx if profile.provider in ("ollama", "openai") else None,
        "price": {"prompt": price.prompt, "completion": price.completion} if price else None,
        "over_limit": profile.over_limit,
        "default": name == settings.default,
        "small": name == settings.small,
        "present": there,
        "trouble": trouble,
    }


def presence(profile: ModelProfile, servers: Sequence[Server]) -> tuple[bool | None, str | None]:
    """Whether the model is there; None where nobody was asked or nobody answered, and why."""
    if profile.provider in MADE_UP:
        return True, None
    if profile.provider != "ollama":
        return None, None
    if any(server.has(profile.model) for server in servers):
        return True, None
    silent = [f"{server.url}: {server.trouble}" for server in servers if server.trouble]
    if silent:
        return None, "; ".join(silent)
    return False, f"ollama pull {profile.model}"


def profile_row(shape: Mapping[str, Any]) -> tuple[object, ...]:
    marks = [mark for mark in ("default", "small") if shape[mark]]
    price = shape["price"]
    there = {True: "yes", False: "no", None: "unknown"}[shape["present"]]
    return (
        shape["profile"],
        "/".join(filter(None, (shape["provider"], shape["model"]))),
        ", ".join(shape["hosts"]) or shape["base_url"],
        shape["num_ctx"],
        " > ".join(shape["chain"][1:]) or None,
        f"{price['prompt']:g}/{price['completion']:g}" if price else None,
        ", ".join(marks) or None,
        f"{there}: {shape['trouble']}" if shape["trouble"] else there,
    )


@app.command()
def ps(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """What is loaded, what runs and waits, and what was used today."""
    place = the_home(home)
    settings = read_settings(place.settings_file, os.environ).models
    servers, board = glance(settings.hosts), read_board(place)
    hosts = [host_shape(host, servers[host.name], board) for host in settings.hosts]
    waiting = list(board.get("lines", [])) if board else []
    now = models_now(place, settings.limits)
    if as_json:
        pool = {"hosts": hosts, "waiting": waiting, "counters": board and board["counters"]}
        emit({"daemon": board is not None, **pool, "today": now.use and now.use.shape})
    else:
        show_hosts(hosts)
        show_calls(hosts, waiting)
        show_use(now)
    if now.use is None:
        raise typer.Exit(1)


@app.command()
def days(limit: LimitOption = 14, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """What each agent used up, day by day, the newest first."""
    place = the_home(home)
    found = list(spent_by_day(place, limit))
    if as_json:
        emit(found)
        return
    rows = [
        (row["day"], row["agent"], f"{row['tokens']:,}", f"{row['gpu_s']:.0f}", row["money"])
        for row in found
    ]
    table(("day", "agent", "tokens", "gpu s", "money"), rows, "no calls in this time")


def spent_by_day(home: Home, count: int) -> Iterator[dict[str, Any]]:
    """Days of the crew's zone on which nothing was used are left out. Raises HarnessError."""
    now = now_in(home)
    with LedgerReader(home.ledger) as reader:
        for back in range(count):
            day = now.date() - timedelta(days=back)
            for agent, spent in sorted(reader.spent(day, now.tzinfo or UTC).items()):
                yield {
                    "day": day.isoformat(),
                    "agent": agent,
                    "tokens": spent.tokens,
                    "gpu_s": round(spent.gpu, 3),
                    "money": round(spent.money, 6),
                }


def glance(hosts: Sequence[HostSettings]) -> dict[str, Server]:
    """Every server as it is now, all asked at the same time."""
    with ThreadPoolExecutor(max_workers=max(len(hosts), 1)) as pool:
        answers = pool.map(ask, [host.url for host in hosts])
        return dict(zip([host.name for host in hosts], answers, strict=True))


def host_shape(
    host: HostSettings, server: Server, board: Mapping[str, Any] | None
) -> dict[str, Any]:
    boards = board["hosts"] if board else []
    of_board: Mapping[str, Any] = next((each for each in boards if each["name"] == host.name), {})
    return {
        "host": host.name,
        "url": host.url,
        "reachable": server.trouble is None,
        "trouble": server.trouble,
        "slots": host.slots,
        "memory": of_board.get("memory") or host.memory,
        "loading": of_board.get("loading"),
        "loaded": [
            {
                "model": held.name,
                "context": held.context,
                "size": held.size,
                "vram": held.in_gpu,
                "expires": held.expires,
            }
            for held in server.loaded
        ],
        "running": [
            {"model": resident["model"], **call}
            for resident in of_board.get("residents", [])
            for call in resident["running"]
        ],
    }


def show_hosts(hosts: Sequence[Mapping[str, Any]]) -> None:
    rows: list[tuple[object, ...]] = []
    for host in hosts:
        if not host["reachable"]:
            rows.append((host["host"], f"away: {host['trouble']}", None, None, None, None))
            continue
        if host["loading"]:
            rows.append((host["host"], host["loading"], None, None, None, "is being loaded"))
        rows += [loaded_row(host["host"], held) for held in host["loaded"]]
        if not host["loaded"] and not host["loading"]:
            rows.append((host["host"], "nothing is loaded", None, None, None, None))
    table(("host", "model", "vram", "of it", "context", "leaves"), rows, "no hosts")


def loaded_row(host: str, held: Mapping[str, Any]) -> tuple[object, ...]:
    share = f"{held['vram'] / held['size']:.0%} on the GPU" if held["size"] else None
    vram = f"{held['vram'] / GIB:.1f} GiB"
    return host, held["model"], vram, share, held["context"] or None, leaves(held["expires"])


def leaves(expires: str | None) -> str | None:
    """When a model leaves the memory, as the server writes it: with nanoseconds, or far away for
    one that stays."""
    try:
        moment = datetime.fromisoformat(expires or "")
    except ValueError:
        return None
    if moment.tzinfo is None or moment.year > datetime.now(UTC).year + 1:
        return "never" if expires else None
    return age(moment)


def show_calls(hosts: Sequence[Mapping[str, Any]], waiting: Sequence[Mapping[str, Any]]) -> None:
    running = [(host["host"], call) for host in hosts for call in host["running"]]
    if running:
        say()
        rows = [
            (c["agent"], c["purpose"], c["priority"], host, c["model"], since(c), c["why"])
            for host, c in running
        ]
        table(("running", "for", "prio", "host", "model", "since", "why"), rows, "")
    if waiting:
        say()
        lines = [
            (line["model"], line["waiting"], line["priority"], since(line), line["why"])
            for line in waiting
        ]
        table(("waiting for", "calls", "prio", "oldest", "why"), lines, "")


def since(shape: Mapping[str, Any]) -> str:
    return age(unstamp(shape["since"]))


def show_use(now: ModelsNow) -> None:
    say()
    if (use := now.use) is None:
        facts({"today": now.line})
        return
    facts(dict(use_lines(use)))
    if use.figures.models:
        say()
        headers = ("today", "calls", "queue", "load", "first word", "total", "reused")
        rows = [
            (
                figures.model,
                figures.calls,
                *map(seconds, (figures.queue, figures.load, figures.first, figures.total)),
                None if figures.reused is None else f"{figures.reused:.0%}",
            )
            for figures in use.figures.models
        ]
        table(headers, rows, "")
        say("seconds of 50, 95 and 99 of 100 answered calls")
    if use.figures.agents:
        say()
        rows = [
            (name, each.calls, f"{each.tokens:,}", f"{each.gpu_s:.0f} s", sum_of_money(each.money))
            for name, each in use.figures.agents.items()
        ]
        table(("agent", "calls", "tokens", "gpu", "money"), rows, "")
