"""The pages say what is so: links lead somewhere, commands exist, the picture is the tree."""

import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from harness.cli.main import COMMANDS
from harness.config.durations import parse_duration
from harness.config.settings import MemorySettings, Section

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_between_pages_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())

    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = re.findall(r"`((?:harness|tests|scripts)/[\w/]+\.(?:py|md|sql))`", page.read_text())

    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", [*PAGES, ROOT / "cron.yaml", ROOT / "harness.yaml"], ids=name)
def test_commands_that_a_page_shows_exist(page: Path) -> None:
    shown = re.findall(r"(?:^|[`#] *|bin/)harness ([a-z]+)\b", page.read_text(), flags=re.M)

    assert set(shown) <= set(COMMANDS)


def test_the_layers_in_the_picture_are_those_that_the_check_enforces() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    picture = (ROOT / "docs" / "architecture.md").read_text()

    (layers,) = re.findall(r"^```layers\n(.*?)^```", picture, flags=re.M | re.S)

    assert layers.splitlines() == project["tool"]["importlinter"]["contracts"][0]["layers"]


def test_every_room_of_the_tree_is_in_the_picture() -> None:
    picture = (ROOT / "docs" / "architecture.md").read_text()
    rooms = {path.parent.name for path in (ROOT / "harness").glob("*/__init__.py")}

    assert {room for room in rooms if f"{room}/" not in picture} == set()


def test_every_setting_of_the_memory_is_told_with_its_default() -> None:
    page = (ROOT / "docs" / "memory.md").read_text()

    told = dict(re.findall(r"^\| `(memory\.[\w.]+)` \| `([^`]+)` \| \S", page, flags=re.M))
    defaults = dict(leaves("memory", MemorySettings()))

    assert told.keys() == defaults.keys()
    for key, value in defaults.items():
        said = parse_duration(told[key]) if isinstance(value, timedelta) else told[key]
        assert said == (value if isinstance(value, timedelta) else str(value)), key


def leaves(name: str, section: Section) -> Iterator[tuple[str, object]]:
    """The keys of a section and of those below it, each with its value."""
    for key, value in section:
        if isinstance(value, Section):
            yield from leaves(f"{name}.{key}", value)
        else:
            yield f"{name}.{key}", value
