"""The delivery log: one line for each task, also across crashes and rotations."""

import json
import stat
from pathlib import Path
from typing import Any

from harness.clock import FakeClock
from harness.config.home import Home
from harness.delivery.log import OLD_FILES, DeliveryLog
from tests.doubles.finals import DIGEST, final


def log(root: Path, **limits: int) -> DeliveryLog:
    return DeliveryLog(Home(root), FakeClock(), **limits)


def lines(root: Path) -> list[dict[str, Any]]:
    files = sorted(Home(root).logs.glob("deliveries*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


async def test_a_delivery_is_one_json_line_in_a_private_file(tmp_path: Path) -> None:
    receipt = await log(tmp_path).deliver(DIGEST)

    assert receipt == ".harness/logs/deliveries.jsonl"
    assert stat.S_IMODE((tmp_path / receipt).stat().st_mode) == 0o600
    (line,) = lines(tmp_path)
    assert (line["task"], line["agent"], line["outcome"]) == (DIGEST.id, "ainews", "done")
    assert line["finished_at"] == "2026-01-30T15:33:00.000+00:00"
    assert line["text"].startswith("# AI news")


async def test_the_same_task_never_gets_a_second_line(tmp_path: Path) -> None:
    await log(tmp_path).deliver(DIGEST)
    await log(tmp_path).deliver(final("another text", id="01KG7ZQ3M0ABCDEFGHJKMNPQRT"))
    await log(tmp_path).deliver(DIGEST)

    assert [line["task"] for line in lines(tmp_path)] == [DIGEST.id, "01KG7ZQ3M0ABCDEFGHJKMNPQRT"]


async def test_a_task_that_another_one_mentions_still_gets_its_line(tmp_path: Path) -> None:
    await log(tmp_path).deliver(final(f"see {DIGEST.id}", id="01KG7ZQ3M0ABCDEFGHJKMNPQRT"))
    await log(tmp_path).deliver(DIGEST)

    assert len(lines(tmp_path)) == 2


async def test_half_a_line_of_a_crash_neither_counts_nor_spoils_the_next(tmp_path: Path) -> None:
    await log(tmp_path).deliver(DIGEST)
    file = Home(tmp_path).logs / "deliveries.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])

    await log(tmp_path).deliver(DIGEST)

    torn, line = file.read_bytes().splitlines()
    assert torn == whole[: len(whole) // 2]
    assert json.loads(line)["task"] == DIGEST.id


async def test_files_rotate_by_size_and_old_tasks_are_still_known(tmp_path: Path) -> None:
    tasks = [final("x" * 300, id=f"{number:026}") for number in range(4)]
    for task in tasks:
        await log(tmp_path, max_bytes=800).deliver(task)

    await log(tmp_path, max_bytes=800).deliver(tasks[0])

    assert sorted(line["task"] for line in lines(tmp_path)) == [task.id for task in tasks]
    assert len(list(Home(tmp_path).logs.iterdir())) == 4


async def test_old_files_do_not_pile_up(tmp_path: Path) -> None:
    for number in range(12):
        await log(tmp_path, max_bytes=100).deliver(final(id=f"{number:026}"))

    assert len(list(Home(tmp_path).logs.iterdir())) == 1 + OLD_FILES
    assert lines(tmp_path)[-1]["task"] == f"{11:026}"


async def test_a_degraded_answer_says_so_here_too(tmp_path: Path) -> None:
    await log(tmp_path).deliver(final("The news.", degraded=True))

    assert lines(tmp_path)[0]["text"] == "> Degraded: answered by extractive.\n\nThe news."
