"""Sound files that use every key, to be damaged."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).parents[2]

PROFILE = """---
name: scout
description: Looks around and tells what is new.
model: chat
tools: [rss, web_fetch]
skills:
  - plain-writing
permission: plan
max_turns: 20
budget: 100000
reports_to: zoe
contract: {form: digest, sections: [one, two]}
own: "kept"
---
You are scout.

---
Look around.
"""
CLAUDES = """---
name: scout
description: Use this agent to look around
tools: Read, Grep, Bash(git log:*, git diff:*)
model: inherit
permissionMode: acceptEdits
maxTurns: 12
color: blue
---

You are scout.
"""
PROFILES = (PROFILE, CLAUDES)

CRON = """timezone: Europe/Berlin
defaults: &usual
  misfire: once
  grace: auto
  overlap: skip
  timeout: 20m
  jitter: 30s
  deliver: [archive]
  priority: P1
  timezone: UTC
jobs:
  morning:
    agent: scout
    cron: "30 7 * * 1-5"
    prompt: Look around.
    title: Morning
    deliver: [archive, log]
    enabled: true
  often: {agent: scout, every: 1h30m, prompt: Look., overlap: queue, misfire: all}
  new-year:
    agent: zoe
    at: 2027-01-01T00:00
    prompt: |
      Wish them well.
    timezone: America/New_York
    priority: P0
  then:
    agent: zoe
    after: [morning, often]
    prompt: >-
      Read what was found.
    grace: 15m
"""

SETTINGS = """models:
  default: chat
  profiles:
    chat: {provider: ollama, model: "qwen3:8b", num_ctx: 16384, temperature: 0.5, host: local}
    far:
      provider: openai
      base_url: https://example.org/v1
      model: big
      api_key: {env: FAR_KEY}
      keep_alive: 15m
      fallback: [offline]
    offline: {provider: extractive}
    script: {provider: scripted, script: a.yaml}
  hosts:
    - name: local
      url: http://127.0.0.1:11434
      slots: 2
  timeouts: {load: 5m, first_token: 2m, idle: 90s}
  embed: {model: nomic}
session:
  max_turns: 20
  budget: 200000
bus: {url: sqlite}
delivery:
  default: [archive, log]
  channels: {phone: "ntfy:topic"}
  quiet_hours: 22:00-07:00
network:
  allow: ["127.0.0.1:9000", "[::1]:8080"]
workers: {count: 2}
web: {port: 8080}
"""

SOURCES = """- {name: Example, url: "https://example.org/feed", kind: rss, weight: 1.5, tags: [lab]}
- name: Other
  url: http://example.net/atom.xml
  tags:
    - one
    - two
  own: kept
"""

SKILL = """---
name: plain
description: >-
  How to write plainly,
  and when.
license: MIT
---
Write plainly.
"""


def repository(pattern: str) -> tuple[str, ...]:
    """The files of this repository's own home."""
    found = sorted(REPOSITORY.glob(pattern))
    assert found, f"nothing in the repository is called {pattern}"
    return tuple(path.read_text(encoding="utf-8") for path in found)
