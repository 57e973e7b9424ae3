"""The home that ships with the project: every file of it is right, so that a first day runs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from ruamel.yaml import YAML

from harness.config.cronfile import Work
from harness.config.crontab import read_crontab
from harness.config.document import split_front_matter
from harness.config.home import Home, is_home
from harness.config.profile import Profile, profile_files, read_profile
from harness.config.settings import read_settings
from harness.config.sources import read_sources
from harness.cronline import Cronline
from harness.services.routes import Routes
from harness.tools.catalogue import NAMES, all_tools
from harness.tools.feeds import MAX_FEEDS

HOME = Home(Path(__file__).parents[1])
CREW = {"zoe", "ainews", "macro", "trading", "content", "butler"}
BASKETS = {"ai", "product", "solo", "macro", "world"}
HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))+")
SKILL_KEYS = {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
SKILL_NAME = re.compile(r"(?!.*--)[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")


def yaml(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def sources(agent: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml(HOME.sources_file(agent).read_text())
    return loaded


def profiles() -> Iterator[Profile]:
    for name, path in profile_files(HOME):
        yield read_profile(path, name)


def test_the_repository_is_a_home_with_the_six_agents() -> None:
    assert is_home(HOME.root)
    assert {name for name, _ in profile_files(HOME)} == CREW


def test_every_yaml_file_of_the_home_parses() -> None:
    files = [HOME.cron_file, HOME.settings_file, *HOME.agents.glob("*/sources.yaml")]

    assert all(yaml(path.read_text()) for path in files)


def test_profiles_use_known_keys_tools_models_and_skills() -> None:
    models = read_settings(HOME.settings_file, {}).models.profiles
    skills = {path.parent.name for path in HOME.skills.glob("*/SKILL.md")}

    for profile in profiles():
        assert profile.warnings == []
        assert set(profile.front.tools) <= NAMES
        assert set(profile.front.skills) <= skills
        assert profile.front.model in models
        assert profile.front.reports_to in {None, "zoe"}


def test_a_profile_asks_only_for_tools_that_it_has() -> None:
    for profile in profiles():
        named = set(re.findall(r"`(\w+)[`(]", profile.prompt)) & NAMES

        assert named <= {*profile.front.tools, "read_result", "skill"}, profile.name


def test_no_agent_may_do_more_by_itself_than_its_day_needs() -> None:
    allowed = {profile.name: [*map(str, profile.front.allow)] for profile in profiles()}

    assert {name: rules for name, rules in allowed.items() if rules} == {
        "macro": ["write(shared-context/macro-view.md)"],
        "zoe": ["write(shared-context/TECH_RADAR.md)"],
    }
    assert {profile.front.permission for profile in profiles()} == {"default"}


def test_hosts_that_are_always_asked_tell_nobody_who_asked_them() -> None:
    rules = read_settings(HOME.settings_file, {}).permissions.allow
    tell = ("github.com", "wikipedia.org", "google.com", "archive.org", "w3.org", "pypi.org")

    hosts = {rule.tool: [each.domain for each in rules if each.tool == rule.tool] for rule in rules}

    assert set(hosts) == {"web_fetch", "verify_url"}
    assert hosts["web_fetch"] == hosts["verify_url"]
    assert not [host for host in hosts["web_fetch"] if str(host).endswith(tell)]


def test_the_protocol_tells_of_the_memory_by_words_that_its_tools_know() -> None:
    section = HOME.protocol_file.read_text().partition("## Memory")[2].partition("\n## ")[0]
    tools = all_tools()
    words = set(NAMES)
    for name in ("memory", "learn", "shared_context"):
        words |= set(re.findall(r"\w+", json.dumps(tools[name].arguments.model_json_schema())))

    named = set(re.findall(r"`(\w+)`", section))

    assert {"memory", "search", "append", "learn", "rule", "shared_context"} <= named <= words


def test_every_agent_of_the_crew_can_learn_and_remember() -> None:
    assert [p.name for p in profiles() if not {"learn", "memory"} <= set(p.front.tools)] == []


def test_an_agent_that_reads_feeds_has_a_list_of_them() -> None:
    readers = {profile.name for profile in profiles() if "rss" in profile.front.tools}

    assert readers == {path.parent.name for path in HOME.agents.glob("*/sources.yaml")}


def test_prompts_stay_within_their_budgets() -> None:
    for _, path in profile_files(HOME):
        assert len(path.read_text()) < 6_000
    assert len(HOME.protocol_file.read_text()) < 3_000
    assert len(HOME.user_file.read_text()) < 3_000


@pytest.mark.parametrize(("agent", "at_least"), [("ainews", 45), ("macro", 10), ("content", 15)])
def test_sources_are_many_and_each_of_them_once(agent: str, at_least: int) -> None:
    listed = sources(agent)

    assert len(listed) >= at_least
    assert repeated(source["name"] for source in listed) == []
    assert repeated(source["url"].rstrip("/") for source in listed) == []


@pytest.mark.parametrize("agent", ["ainews", "macro", "content"])
def test_the_rss_tool_takes_every_source(agent: str) -> None:
    read = read_sources(HOME.sources_file(agent))

    assert read.problems == ()
    assert {source.kind for source in read.entries} == {"rss"}
    assert len(read.entries) <= MAX_FEEDS


@pytest.mark.parametrize("agent", ["ainews", "macro", "content"])
def test_every_source_has_a_secure_address_a_weight_and_tags(agent: str) -> None:
    for source in sources(agent):
        parts = urlsplit(source["url"])

        assert set(source) == {"name", "url", "kind", "weight", "tags"}
        assert parts.scheme == "https"
        assert HOST.fullmatch(parts.hostname or "")
        assert parts.username is None
        assert parts.fragment == ""
        assert not re.search(r"\s", source["url"])
        assert 0 < source["weight"] <= 2
        assert source["tags"]
        assert all(isinstance(tag, str) for tag in source["tags"])


def test_topics_come_from_all_five_baskets() -> None:
    baskets = Counter(source["tags"][0] for source in sources("content"))

    assert set(baskets) == BASKETS
    assert baskets["ai"] <= 0.4 * baskets.total()


def test_the_first_day_gives_every_agent_work_that_it_can_find() -> None:
    jobs: dict[str, dict[str, Any]] = yaml(HOME.cron_file.read_text())["jobs"]
    settings = read_settings(HOME.settings_file, {})
    known_channels = {*settings.delivery.default, *settings.delivery.channels}

    assert {job["agent"] for job in jobs.values()} == CREW
    assert jobs["ainews-morning"]["cron"] == "30 7 * * 1-5"
    assert all(set(job["deliver"]) <= known_channels for job in jobs.values())
    assert all(job.get("prompt", "").strip() or job.get("work") for job in jobs.values())


def test_the_house_reflects_each_night_and_tidies_each_week() -> None:
    jobs = read_crontab(HOME.cron_file, frozenset(CREW)).jobs

    own = {name: (job.schedule, job.line.work) for name, job in jobs.items() if job.line.work}

    assert own == {
        "zoe-reflection": ("0 22 * * *", [Work.REFLECT]),
        "zoe-reflection-late": ("45 23 * * *", [Work.REFLECT, Work.GATHER]),
        "zoe-memory-week": ("0 21 * * sun", [Work.COMPRESS]),
    }


def test_a_week_of_the_schedule_is_spread_and_gives_every_agent_work() -> None:
    crontab = yaml(HOME.cron_file.read_text())
    zone = ZoneInfo(crontab["timezone"])
    monday = datetime(2026, 2, 2, tzinfo=zone)

    fires = [
        (slot.astimezone(zone), job["agent"])
        for job in crontab["jobs"].values()
        for slot in takewhile(
            lambda slot: slot < monday + timedelta(days=7),
            Cronline.parse(job["cron"]).slots(zone, monday),
        )
    ]

    assert repeated(f"{slot:%a %H:%M}" for slot, _ in fires) == []
    assert {agent for slot, agent in fires if slot.weekday() == 0} == CREW
    assert all(5 <= slot.hour <= 23 for slot, _ in fires)


def test_skills_obey_the_agent_skills_format() -> None:
    files = sorted(HOME.skills.glob("*/SKILL.md"))

    assert len(files) >= 2
    for path in files:
        front, body = split_front_matter(path.read_text())
        keys = yaml(front or "")
        assert SKILL_NAME.fullmatch(keys["name"])
        assert keys["name"] == path.parent.name
        assert 0 < len(keys["description"]) <= 1024
        assert set(keys) <= SKILL_KEYS
        assert 0 < len(body.splitlines()) <= 500


def test_shared_pages_named_in_prompts_exist() -> None:
    prompts = [profile.prompt for profile in profiles()]
    jobs: dict[str, dict[str, Any]] = yaml(HOME.cron_file.read_text())["jobs"]
    prompts += [job.get("prompt", "") for job in jobs.values()]
    pages = {page for text in prompts for page in re.findall(r"\b[\w-]+\.md\b", text)} - {"USER.md"}

    assert pages == {path.name for path in HOME.shared_context.glob("*.md")}


def repeated(values: Iterator[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        ("What did the ECB say about inflation?", "macro"),
        ("Remind me to call Anna at five.", "butler"),
        ("Write a post about what I learned this week.", "content"),
        ("Is there a trade idea on copper?", "trading"),
        ("What is the AI news of today?", "ainews"),
        ("Put DuckDB on the tech radar.", "zoe"),
        ("@butler how was my week?", "butler"),
        ("Write a post about inflation.", "content"),
        ("Book a table for two.", None),
        ("A reminder about a blog post", None),
    ],
)
def test_what_an_agent_is_there_for_finds_it_without_a_model(text: str, agent: str | None) -> None:
    routes = Routes.of(read_settings(HOME.settings_file, {}).router, profiles(), CREW)

    decision = routes.decide(text)

    assert (decision and decision.agent) == agent
