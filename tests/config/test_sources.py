"""agents/<name>/sources.yaml: one bad entry never takes the others with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.home import Home
from harness.config.sources import read_sources

GOOD = '- {name: A, url: "https://a.example/feed"}\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sources.yaml"


def faults(path: Path, text: str) -> list[tuple[int, int, str]]:
    path.write_text(text, encoding="utf-8")
    return [(p.line, p.column, p.message) for p in read_sources(path).problems]


def test_an_entry_has_defaults_and_unknown_kinds_are_kept(path: Path) -> None:
    path.write_text(GOOD + '- {name: P, url: "http://p.example/", kind: arxiv, tags: [x, y]}\n')

    sources = read_sources(path)

    first, second = sources.entries
    assert (first.name, first.kind, first.weight, first.tags) == ("A", "rss", 1.0, ())
    assert (second.kind, second.tags) == ("arxiv", ("x", "y"))
    assert sources.problems == ()


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        (
            '- {name: B, url: "https://b.example/", weight: heavy}',
            48,
            '`weight` should be a number, not "heavy"',
        ),
        ('- {name: B, url: "https://b.example/", weight: -1}', 48, "greater than or equal to 0"),
        ('- {name: B, url: "https://b.example/", weight: .nan}', 48, "finite"),
        ("- {name: B, url: ftp://b.example/}", 18, "`url` should begin with http://"),
        ('- {name: B, url: "http://"}', 18, "`url` should begin with http://"),
        ('- {name: B, url: "http://[::1"}', 18, "Invalid IPv6 URL"),
        ("- {name: B}", 3, "missing key `url`"),
        ("- only text", 3, "this should be a mapping"),
        ("-", 2, "this should be a mapping"),
        ('- {name: a, url: "https://b.example/"}', 10, "`a` is in the list already"),
        ('- {name: 5, url: "https://b.example/"}', 10, "`name` should be a text"),
    ],
)
def test_a_bad_entry_is_told_with_its_place_and_the_others_count(
    path: Path, line: str, column: int, message: str
) -> None:
    ((found_line, found_column, found),) = faults(path, f"# a list\n{GOOD}{line}\n")

    assert found_line == 3
    assert found_column == column
    assert message in found
    assert [source.name for source in read_sources(path).entries] == ["A"]


def test_an_unknown_key_is_told_and_the_entry_counts(path: Path) -> None:
    path.write_text('- {name: A, url: "https://a.example/", wieght: 2}\n')

    sources = read_sources(path)

    assert len(sources.entries) == 1
    (problem,) = sources.problems
    assert problem.message == "unknown key `wieght`"
    assert problem.hint == "did you mean `weight`?"


def test_a_file_that_is_no_list_is_told(path: Path) -> None:
    assert faults(path, "feeds: []\n") == [(1, 1, "this should be a list")]
    assert faults(path, "- {name: [\n")[0][0] == 1
    assert faults(path, "") == []


def test_no_file_is_an_empty_list(path: Path) -> None:
    assert read_sources(path).entries == ()


def test_the_last_good_version_stays_in_force(path: Path, tmp_path: Path) -> None:
    kept = tmp_path / "cache" / "sources.yaml"
    path.write_text(GOOD)
    good = read_sources(path, kept)
    path.write_text("- {name: [")

    broken = read_sources(path, kept)

    assert broken.entries == good.entries
    assert [problem.path for problem in broken.problems] == [path]


@pytest.mark.parametrize("agent", ["ainews", "content", "macro"])
def test_the_lists_of_the_sample_home_are_right(agent: str) -> None:
    sources = read_sources(Home(Path(__file__).parents[2]).sources_file(agent))

    assert sources.entries
    assert sources.problems == ()
