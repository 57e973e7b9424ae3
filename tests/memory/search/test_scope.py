"""An agent finds its own memory and what is everybody's, and never another's."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.memory.search.homes import found, index_of

FILES = {
    "memory/scout/MEMORY.md": "- tea of scout\n",
    "memory/clerk/MEMORY.md": "- tea of clerk\n",
    "memory/clerk/2026-11-16.md": "- tea at nine\n",
    "shared-context/view.md": "- tea for all\n",
    "skills/tea/SKILL.md": "---\nname: tea\n---\nMake tea.\n",
    "agents/clerk/skills/own/SKILL.md": "---\nname: own\n---\nHide tea.\n",
}


def test_an_agent_finds_its_own_and_the_shared(tmp_path: Path) -> None:
    index = index_of(tmp_path, FILES)

    assert sorted(found(index, "tea", agent="scout")) == [
        "memory/scout/MEMORY.md:1",
        "shared-context/view.md:1",
        "skills/tea/SKILL.md:4",
    ]
    index.close()


def test_a_person_finds_everything(tmp_path: Path) -> None:
    index = index_of(tmp_path, FILES)

    assert len(found(index, "tea", agent=None)) == len(FILES)
    index.close()


def test_an_agent_nobody_knows_finds_the_shared(tmp_path: Path) -> None:
    index = index_of(tmp_path, FILES)

    assert len(found(index, "tea", agent="nobody")) == 2
    index.close()


def test_a_search_can_be_for_some_kinds_of_files(tmp_path: Path) -> None:
    index = index_of(tmp_path, FILES)

    hits = index.search("tea", agent="clerk", kinds=["skill"])

    assert sorted(hit.unit.path for hit in hits) == [
        "agents/clerk/skills/own/SKILL.md",
        "skills/tea/SKILL.md",
    ]
    index.close()


WORDS = st.lists(st.sampled_from(["tea", "milk", "sugar", "2026-11-16", "Ann:"]), min_size=1)
TEXTS = st.lists(WORDS.map(" ".join), min_size=1, max_size=4).map("\n\n".join)
OWNERS = st.sampled_from(["scout", "clerk", "guard"])
NAMES = st.sampled_from(["MEMORY.md", "2026-11-16.md", "page.md", ".learnings/ERRORS.md"])
HOMES = st.dictionaries(st.tuples(OWNERS, NAMES), TEXTS, min_size=1, max_size=6)


@settings(max_examples=25, deadline=None)
@given(HOMES, OWNERS, WORDS)
def test_no_home_and_no_question_shows_what_is_anothers(
    home: dict[tuple[str, str], str], asking: str, query: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = {f"memory/{owner}/{name}": text for (owner, name), text in home.items()}
        index = index_of(Path(folder), files)
        hits = index.search(" ".join(query), agent=asking, k=100)
        index.close()

    assert {hit.unit.agent for hit in hits} <= {asking, None}
    assert all(hit.unit.path.startswith(f"memory/{asking}/") for hit in hits)
