"""The archive: one page for each final, wherever a crash falls, whatever the title is."""

import os
import stat
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config.home import Home
from harness.delivery.archive import Archive
from tests.doubles.finals import DIGEST, final

ZONE = ZoneInfo("America/Los_Angeles")


def archive(root: Path) -> Archive:
    return Archive(Home(root), ZONE)


async def test_a_final_becomes_a_page_named_by_local_time_agent_title_and_id(
    tmp_path: Path,
) -> None:
    receipt = await archive(tmp_path).deliver(DIGEST)

    assert receipt == "archive/2026/01/2026-01-30-0733-ainews-morning-digest-MNPQRS.md"
    assert (tmp_path / receipt).read_text().endswith("\n---\n\n" + str(DIGEST.result.text) + "\n")  # type: ignore[union-attr]


async def test_pages_and_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    receipt = await archive(tmp_path).deliver(DIGEST)

    page = tmp_path / receipt
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in page.parents[:3]} == {0o700}


async def test_a_second_hand_over_writes_no_second_page_and_keeps_what_a_person_wrote(
    tmp_path: Path,
) -> None:
    first = await archive(tmp_path).deliver(DIGEST)
    (tmp_path / first).write_text("with a remark of mine")

    second = await archive(tmp_path).deliver(DIGEST)

    assert second == first
    assert [path.name for path in (tmp_path / first).parent.iterdir()] == [Path(first).name]
    assert (tmp_path / first).read_text() == "with a remark of mine"


async def test_a_crash_while_writing_leaves_no_page_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_: int) -> None:
        raise OSError("the machine went down")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", crash)
        with pytest.raises(OSError, match="went down"):
            await archive(tmp_path).deliver(DIGEST)
    assert list(tmp_path.rglob("*.md")) == []

    receipt = await archive(tmp_path).deliver(DIGEST)

    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.md")] == [receipt]


async def test_two_finals_of_one_minute_and_title_are_two_pages(tmp_path: Path) -> None:
    other = final(id="01KG7ZQ3M0ABCDEFGHJKMNPQRT")

    receipts = {await archive(tmp_path).deliver(task) for task in (DIGEST, other)}

    assert len(receipts) == 2


@given(title=st.text(), agent=st.from_regex(r"[a-z0-9][a-z0-9-]{0,63}", fullmatch=True))
def test_no_title_leads_out_of_the_folder_or_makes_a_name_too_long(title: str, agent: str) -> None:
    path = archive(Path("/home")).path(final(title=title, agent=agent))

    assert path.parent == Path("/home/archive/2026/01")
    assert len(path.name.encode()) <= 255
    assert path.name.endswith("-MNPQRS.md")


async def test_another_time_zone_after_a_crash_gives_no_second_page(tmp_path: Path) -> None:
    first = await archive(tmp_path).deliver(DIGEST)

    second = await Archive(Home(tmp_path), ZoneInfo("Pacific/Kiritimati")).deliver(DIGEST)

    assert second == first
    assert len(list(tmp_path.rglob("*.md"))) == 1


async def test_another_task_whose_id_ends_alike_gets_a_page_of_its_own(tmp_path: Path) -> None:
    first = await archive(tmp_path).deliver(DIGEST)

    other = replace(DIGEST, id=f"01OTHER{DIGEST.id[7:]}", title="Evening")
    second = await archive(tmp_path).deliver(other)

    assert first != second
    assert len(list(tmp_path.rglob("*.md"))) == 2
