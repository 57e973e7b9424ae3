"""What is put away of an agent's notes, and what stays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.config.home import Home
from harness.config.settings import MemorySettings
from harness.errors import HarnessError
from harness.memory.notes import lifecycle
from harness.memory.notes.lifecycle import Tidied, Why, tidy
from harness.memory.notes.uses import Uses

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
TODAY = NOW.date()
LONG_AGO = TODAY - timedelta(days=200)
SETTINGS = MemorySettings()


class Shelf:
    """The notes of an agent `scout`."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.folder = self.home.memory("scout")
        self.folder.mkdir(parents=True)
        self.archive = self.folder / ".archive" / "2026.md"

    def log(self, day: date, *lines: str) -> Path:
        path = self.folder / f"{day}.md"
        path.write_text("\n".join([f"# {day}", "", *lines]) + "\n")
        return path

    def fill(self, number: int = 40) -> None:
        """So many notes of today, each of its own."""
        self.log(TODAY, *(f"- 01:{n:02d}Z Ship {n} came in." for n in range(number)))

    def tidy(self, days: int = 0) -> Tidied:
        return tidy(self.home, "scout", SETTINGS, NOW + timedelta(days=days))

    def everything(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.rglob("*.md")))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "home")


def test_a_faded_note_goes_to_the_archive_with_day_and_reason(shelf: Shelf) -> None:
    shelf.fill()
    old = shelf.log(LONG_AGO, "- 09:12Z The harbour is closed.", "- 09:13Z")

    done = shelf.tidy()

    assert done.count(Why.FADED) == 1
    assert old.read_text() == f"# {LONG_AGO}\n\n- 09:13Z\n"
    assert shelf.archive.read_text() == (
        "# Put away in 2026\n\n"
        f"- {LONG_AGO} 09:12Z The harbour is closed. <!-- put away 2026-11-21: faded to 0.010 -->\n"
    )


def test_a_note_that_was_of_use_fades_later(shelf: Shelf) -> None:
    shelf.fill()
    line = "- 09:12Z The harbour is closed."
    old = shelf.log(LONG_AGO, line)
    Uses(shelf.home).count([line], TODAY - timedelta(days=100))

    assert shelf.tidy().gone == ()
    assert line in old.read_text()
    assert shelf.tidy(days=200).count(Why.FADED) > 0


def test_what_has_expired_goes_from_the_day_after(shelf: Shelf) -> None:
    shelf.fill()
    shelf.log(
        TODAY - timedelta(days=2),
        "- 09:12Z Ada is away. <!-- expires: 2026-11-20 -->",
        "- 09:13Z Bo is away. <!-- expires: 2026-11-21 -->",
    )

    done = shelf.tidy()

    assert [(each.why, each.because) for each in done.gone] == [(Why.EXPIRED, "expired 2026-11-20")]


def test_what_is_said_again_stays_where_it_is_newest_and_names_the_other_days(
    shelf: Shelf,
) -> None:
    shelf.fill()
    said = ["The harbour opens at nine.", "the harbour opens at nine", "Harbour opens at nine!"]
    days = [TODAY - timedelta(days=ago) for ago in (20, 9, 1)]
    logs = [shelf.log(day, f"- 09:12Z {line}") for day, line in zip(days, said, strict=True)]

    done = shelf.tidy()

    assert done.count(Why.SAID_AGAIN) == 2
    assert [log.read_text().count("nine") for log in logs] == [0, 0, 1]
    assert f"- 09:12Z Harbour opens at nine! (also {days[0]}, {days[1]})\n" in logs[2].read_text()
    assert shelf.tidy().gone == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The harbour opens at 9.", "The harbour opens at 10."),
        ("Ada likes tea.", "Ada likes no tea."),
        ("Ada pays Bo.", "Bo pays Ada."),
        ("It stays under the bridge.", "It stays over the bridge."),
        ("The page is blue.", "The page is blue. <!-- from outside: web.test -->"),
        ("🙂", "🙁"),
    ],
)
def test_what_says_something_else_is_no_duplicate(shelf: Shelf, one: str, other: str) -> None:
    shelf.fill()
    shelf.log(TODAY - timedelta(days=1), f"- 09:12Z {one}", f"- 09:13Z {other}")

    assert shelf.tidy().gone == ()


def test_what_a_person_wrote_or_touched_stays(shelf: Shelf) -> None:
    shelf.fill()
    lines = [
        "The harbour is closed.",
        "- The harbour is closed. <!-- expires: 2026-01-01 -->",
        "- 09:12Z The harbour is closed.",
        "  Ada: until May!",
        "```",
        "- 09:12Z The harbour is closed.",
        "```",
    ]
    log = shelf.log(LONG_AGO, *lines)
    before = log.read_text()
    shelf.home.memory_file("scout").write_text("- 09:12Z Old. <!-- expires: 2026-01-01 -->\n")

    assert shelf.tidy().gone == ()
    assert log.read_text() == before


def test_no_more_than_a_quarter_goes_at_once_what_expired_first(shelf: Shelf) -> None:
    faded = [f"- 09:{n:02d}Z Ship {n} left." for n in range(20)]
    shelf.log(LONG_AGO, *faded)
    shelf.log(LONG_AGO + timedelta(days=50), "- 09:12Z Ada is away. <!-- expires: 2026-11-01 -->")

    done = shelf.tidy()

    assert (done.notes, len(done.gone), done.left) == (21, 5, 16)
    assert done.gone[0].why is Why.EXPIRED
    assert len(shelf.tidy().gone) == 4


def test_the_bytes_of_other_lines_stay(shelf: Shelf) -> None:
    shelf.fill()
    log = shelf.folder / f"{LONG_AGO}.md"
    log.write_bytes(b"\xef\xbb\xbf# Day\r\n\r\n- 09:12Z Old.\r\nAda\xff\x85wrote\rthis")

    shelf.tidy()

    assert log.read_bytes() == b"\xef\xbb\xbf# Day\r\n\r\nAda\xff\x85wrote\rthis"


def test_a_failure_between_archive_and_log_leaves_a_duplicate_and_loses_nothing(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.fill()
    line = "- 09:12Z The harbour is closed."
    old = shelf.log(LONG_AGO, line)

    def fails(gone: object) -> list[Path]:
        raise OSError("the power is gone")

    with monkeypatch.context() as broken:
        broken.setattr(lifecycle, "take_out", fails)
        with pytest.raises(OSError, match="power"):
            shelf.tidy()
    assert line in old.read_text()
    assert shelf.archive.read_text().count("The harbour is closed.") == 1

    shelf.tidy()

    assert line not in old.read_text()
    assert shelf.archive.read_text().count("The harbour is closed.") == 1


def test_an_archive_that_is_a_link_is_refused_and_nothing_leaves(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.fill()
    old = shelf.log(LONG_AGO, "- 09:12Z The harbour is closed.")
    (tmp_path / "elsewhere").mkdir()
    shelf.archive.parent.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(HarnessError, match="symbolic link"):
        shelf.tidy()
    assert "closed" in old.read_text()
    assert not list((tmp_path / "elsewhere").iterdir())


def test_an_agent_without_notes_has_nothing_to_put_away(shelf: Shelf) -> None:
    assert tidy(shelf.home, "zoe", SETTINGS, NOW) == Tidied(0)


notes = st.lists(
    st.tuples(
        st.integers(0, 300),
        st.sampled_from(["Ships came.", "No ships.", "Ada is away. <!-- expires: 2026-11-01 -->"]),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=40)
@given(notes, st.integers(1, 4))
def test_whatever_is_tidied_is_still_somewhere(
    tmp_path_factory: pytest.TempPathFactory, written: list[tuple[int, str]], runs: int
) -> None:
    shelf = Shelf(tmp_path_factory.mktemp("home") / "home")
    for ago in {ago for ago, _ in written}:
        day = TODAY - timedelta(days=ago)
        said = [text for days, text in written if days == ago]
        shelf.log(day, *(f"- 0{n % 10}:{n:02d}Z {text}" for n, text in enumerate(said)))

    done = [shelf.tidy() for _ in range(runs)]

    everything = shelf.everything()
    for ago, text in written:
        day = TODAY - timedelta(days=ago)
        assert text.partition(" <!--")[0] in everything
        assert f"{day}" in everything
    assert all(len(each.gone) <= each.notes // 4 for each in done)
