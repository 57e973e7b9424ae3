"""What stands first, and why."""

from __future__ import annotations

from pathlib import Path

from harness.memory.search.index import Index
from tests.memory.search.homes import found, index_of

LOG = "memory/scout/2026-11-16.md"
FILLER = "".join(f"- 08:{n:02}Z nothing of note, number {n}\n" for n in range(40))


def first(index: Index, query: str) -> str:
    hit = index.search(query, agent="scout")[0]
    index.close()
    return hit.unit.text


def home(root: Path, lines: str, path: str = LOG) -> Index:
    return index_of(root, {path: lines, "memory/scout/filler.md": FILLER})


def test_a_word_is_found_in_another_form(tmp_path: Path) -> None:
    assert first(home(tmp_path, "- the deployments failed\n"), "deploying") == (
        "the deployments failed"
    )


def test_a_unit_is_found_by_what_stands_beside_it(tmp_path: Path) -> None:
    lines = "- about the vineyard tour\n- it starts at nine from the gate\n"

    assert found(home(tmp_path, lines), "when does the vineyard tour start")[:2] in (
        [f"{LOG}:1", f"{LOG}:2"],
        [f"{LOG}:2", f"{LOG}:1"],
    )


def test_the_answer_stands_before_the_question(tmp_path: Path) -> None:
    lines = "- Which port has the bus?\n- The bus has port 7000.\n"

    assert first(home(tmp_path, lines), "which port has the bus") == "The bus has port 7000."


def test_who_is_asked_about_stands_before_who_is_not(tmp_path: Path) -> None:
    lines = "".join(f"- Ann: day {n} was fine\n- Bob: day {n} was fine\n" for n in range(6))
    lines += "- Bob: painted the fence\n- Ann: painted the fence\n- Bob: oh well\n"

    assert first(home(tmp_path, lines), "What did Ann paint?") == "Ann: painted the fence"


def test_the_day_that_is_asked_about_stands_first(tmp_path: Path) -> None:
    days = {f"memory/scout/2026-{m:02}-05.md": "- paid the rent\n" for m in range(1, 11)}
    index = index_of(tmp_path, days)

    hit = index.search("was the rent paid in May 2026", agent="scout")[0]

    assert str(hit.unit.date) == "2026-05-05"
    index.close()


def test_a_day_alone_is_a_question(tmp_path: Path) -> None:
    index = home(tmp_path, "- paid the rent\n")

    assert found(index, "2026-11-16")[0] == f"{LOG}:1"
    index.close()


def test_what_says_when_comes_first_when_the_question_is_when(tmp_path: Path) -> None:
    lines = f"- signed the lease with her\n{FILLER}- signed the lease in March\n"

    assert first(home(tmp_path, lines), "when was the lease signed") == "signed the lease in March"


def test_what_has_expired_comes_last_and_says_so(tmp_path: Path) -> None:
    lines = "- gate code is 1 <!-- expires: 2026-11-17 -->\n- about the gate\n- gate code is 2\n"
    index = home(tmp_path, lines, "memory/scout/MEMORY.md")

    hits = index.search("gate code", agent="scout")

    assert hits[-1].unit.text == "gate code is 1"
    assert str(hits[-1].unit.expires) == "2026-11-17"
    index.close()


def test_a_young_note_stands_before_an_old_one_that_says_the_same(tmp_path: Path) -> None:
    days = ("2026-08-01", "2026-11-15", "2026-10-01")
    index = index_of(tmp_path, {f"memory/scout/{day}.md": "- tea is out\n" for day in days})

    hits = index.search("tea", agent="scout")

    assert [str(hit.unit.date) for hit in hits] == ["2026-11-15", "2026-10-01", "2026-08-01"]
    index.close()


def test_a_rare_word_counts_for_more_than_frequent_ones(tmp_path: Path) -> None:
    index = home(tmp_path, "- nothing\n- nothing\n- nothing\n- nothing\n- the quasar\n")

    assert found(index, "nothing of note about the quasar")[0] == f"{LOG}:5"
    index.close()


def test_strangers_are_told_with_a_hit(tmp_path: Path) -> None:
    index = home(tmp_path, "- a quasar <!-- from outside: web.example -->\n")

    assert index.search("quasar", agent="scout")[0].unit.outside == ("web.example",)
    index.close()


def test_no_more_than_asked_for_come_back(tmp_path: Path) -> None:
    index = home(tmp_path, "- one\n")

    assert len(index.search("nothing of note", agent="scout", k=3)) == 3
    assert index.search("nothing of note", agent="scout", k=0) == []
    index.close()
