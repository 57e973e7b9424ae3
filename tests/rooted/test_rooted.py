"""No path leads out of a root: not by its text, not by a link, not by a race."""

from __future__ import annotations

import os
import socket
import stat
import threading
import unicodedata
from contextlib import suppress
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness import rooted
from harness.errors import HarnessError, Held
from harness.files import LinkRefused
from harness.rooted import DEEPEST, Missing, Outside, Root, Unfit, folded, normal
from tests.rooted.conftest import untouched

LIMIT = 1_000


# the text of a path


@pytest.mark.parametrize(
    ("given", "path"),
    [
        *(("a", "a"), ("./a//b", "a/b"), ("a/./b/", "a/b"), (".", "."), ("./", ".")),
        *((".hidden", ".hidden"), ("a/~b", "a/~b"), ("Zoë 新.md", "Zoë 新.md"), ("...", "...")),
    ],
)
def test_a_path_has_one_form(given: str, path: str) -> None:
    assert normal(given) == PurePosixPath(path)


@pytest.mark.parametrize(
    "path",
    [
        *("", " ", "\n", "a\0b", "a\nb", "a\x1b[2Jb", "a\x7f", "a\u200bb", "a\u202eb", "a\ufeff"),
        *("..", "../a", "a/..", "a/../b", "./..", "a/../../b", "a//..//b", "a/b/../../../c"),
        *(
            " /",
            "a/ /b",
            "./~",
            ".//~x",
            "/",
            "/etc/passwd",
            "//etc/passwd",
            "~",
            "~/x",
            "~root/x",
            "..\\a",
            "a\\b",
            "C:\\a",
        ),
        *("x" * 256, "é" * 128, "a/" * (DEEPEST + 1), ".g\u200cit/config", "\ud800", "a\u3164b"),
        *("a\U000e0041", "a\u2028b", "\u00ad.env", "a\r"),
    ],
)
def test_a_path_that_leads_out_or_cannot_be_read_is_refused(root: Root, path: str) -> None:
    for act in (normal, root.is_file, lambda path: root.read(path, LIMIT)):
        with pytest.raises(Outside, match="is no path to be used here"):
            act(path)
    with pytest.raises(Outside):
        root.write(path, "x")
    with pytest.raises(Outside):
        list(root.walk(path))


PIECES = st.sampled_from(
    [
        ".",
        "..",
        "/",
        "//",
        "a",
        "B",
        "~",
        "\\",
        "\0",
        "ä",
        "a\u0308",
        "\u200b",
        " ",
        "...",
        "é" * 130,
    ]
)


@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=12).map("".join)))
@example(" /")
@example("./~")
@example("./../a")
def test_what_is_normal_stays_so_and_stays_below(text: str) -> None:
    try:
        path = normal(text)
    except Outside:
        return

    assert normal(str(path)) == path
    assert not path.is_absolute()
    assert ".." not in path.parts
    below = os.path.normpath(f"/root/{text}")
    assert below == "/root" or below.startswith("/root/")
    assert below == os.path.normpath(f"/root/{path}")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("cron.yaml", "Cron.YAML"), ("ä.md", "a\u0308.md"), ("Ä.md", "a\u0308.md")),
        *(("straße", "STRASSE"), ("K.md", "\u212a.md"), ("ﬁle", "FILE"), ("σ", "ς")),
    ],
)
def test_names_that_one_disk_takes_for_the_same_are_the_same(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_names_that_differ_differ() -> None:
    assert len({folded(name) for name in ("cron.yaml", "cron.yml", "a", "ä")}) == 4


@given(st.text(max_size=30))
def test_comparing_knows_neither_case_nor_composition(name: str) -> None:
    assert folded(folded(name)) == folded(name)
    for form in ("NFC", "NFD"):
        assert folded(unicodedata.normalize(form, name)) == folded(name)


# reading and writing


def test_what_is_written_is_read_again(root: Root) -> None:
    root.write("./new//folder/page.md", "Zoë\r\n")

    assert root.read_text("new/folder/page.md", LIMIT) == "Zoë\r\n"
    assert (root.folder / "new/folder/page.md").read_bytes() == "Zoë\r\n".encode()


def test_what_is_made_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    root = Root(tmp_path / "not" / "yet")

    root.write("a/page.md", "x")

    made = [tmp_path / "not", root.folder, root.folder / "a", root.folder / "a" / "page.md"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o700, 0o700, 0o700, 0o600]


def test_a_file_that_is_replaced_leaves_its_mode_but_no_special_bits(root: Root) -> None:
    (root.folder / "a" / "page.md").chmod(0o4750)

    root.write("a/page.md", "x")

    assert stat.S_IMODE((root.folder / "a" / "page.md").stat().st_mode) == 0o750


def test_a_write_that_fails_leaves_the_old_file_and_no_draft(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(HarnessError, match=r"a/page\.md: No space left") as caught:
        root.write("a/page.md", "new")

    assert caught.value.hint == "free some space and try again"
    assert [path.name for path in (root.folder / "a").iterdir()] == ["page.md"]
    assert (root.folder / "a" / "page.md").read_text() == "inside"


def test_half_a_sign_is_not_written(root: Root) -> None:
    with pytest.raises(Unfit, match="character 2 of the text"):
        root.write("a/page.md", "x\ud800")

    assert root.read_text("a/page.md", LIMIT) == "inside"


@pytest.mark.parametrize("path", ["none.md", "none/page.md", "a/none"])
def test_what_is_not_there_is_missing(root: Root, path: str) -> None:
    with pytest.raises(Missing, match=f"there is no {path}"):
        root.read(path, LIMIT)

    assert not root.is_file(path)


def test_a_root_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(Missing):
        Root(tmp_path / "gone").read("a", LIMIT)


def test_a_file_is_no_folder_and_a_folder_no_file(root: Root) -> None:
    for path in ("a", "."):
        with pytest.raises(Unfit, match="is a folder"):
            root.read(path, LIMIT)
        with pytest.raises(Unfit, match="is a folder"):
            root.write(path, "x")
        assert not root.is_file(path)
    with pytest.raises(Unfit, match="a file is where a folder should be"):
        root.write("a/page.md/x", "x")

    assert root.is_file("a/page.md")
    assert not root.is_file("a/page.md/x")


def test_a_file_that_is_too_large_is_not_read(root: Root) -> None:
    with (root.folder / "huge").open("wb") as file:
        file.truncate(1 << 40)  # takes no space
    (root.folder / "fits").write_bytes(b"x" * LIMIT)

    with pytest.raises(Unfit, match=f"more than {LIMIT} bytes"):
        root.read("huge", LIMIT)

    assert len(root.read("fits", LIMIT)) == LIMIT


@pytest.mark.parametrize(
    ("data", "why"), [(b"ab\xff\xfe", r"no text in UTF-8 \(byte 3\)"), (b"a\0b", "zero bytes")]
)
def test_what_is_no_text_is_told(root: Root, data: bytes, why: str) -> None:
    (root.folder / "odd").write_bytes(data)

    with pytest.raises(Unfit, match=why):
        root.read_text("odd", LIMIT)

    assert root.read("odd", LIMIT) == data


# links and odd files


def test_a_root_may_be_a_link_that_a_person_made(root: Root, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root.folder)

    assert Root(tmp_path / "link").read("a/page.md", LIMIT) == b"inside"


def test_a_root_that_becomes_a_link_is_not_followed(root: Root, outside: Path) -> None:
    root.folder.rename(root.folder.with_name("moved"))
    root.folder.symlink_to(outside)

    with pytest.raises(HarnessError):
        root.read("page.md", LIMIT)
    with pytest.raises(HarnessError):
        root.write("page.md", "x")

    assert untouched(outside)


@pytest.mark.parametrize("path", ["file", "folder/page.md", "a/up/page.md", "loop", "loop/x"])
def test_no_link_is_followed(root: Root, outside: Path, path: str) -> None:
    (root.folder / "file").symlink_to(outside / "page.md")
    (root.folder / "folder").symlink_to(outside)
    (root.folder / "a" / "up").symlink_to("../../outside")
    (root.folder / "loop").symlink_to("loop")

    with pytest.raises(LinkRefused, match="symbolic link"):
        root.read(path, LIMIT)
    with pytest.raises(LinkRefused, match="symbolic link"):
        root.write(path, "x")
    with pytest.raises(LinkRefused), root.locked(f"{path}/x", make=True):
        pass

    assert untouched(outside)


def test_a_link_that_stays_inside_is_not_followed_either(root: Root) -> None:
    (root.folder / "twin.md").symlink_to("a/page.md")

    with pytest.raises(LinkRefused):
        root.read("twin.md", LIMIT)


def test_a_hard_link_is_not_read_and_never_written_through(root: Root, outside: Path) -> None:
    (root.folder / "twin.md").hardlink_to(outside / "page.md")

    with pytest.raises(Unfit, match="second name"):
        root.read("twin.md", LIMIT)
    root.write("twin.md", "mine")

    assert untouched(outside)
    assert root.read("twin.md", LIMIT) == b"mine"


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_what_is_no_plain_file_is_neither_read_nor_replaced(
    root: Root, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root.folder)  # the path of a socket has 108 bytes at most
    if kind == "pipe":
        os.mkfifo("odd")
    else:
        with socket.socket(socket.AF_UNIX) as unheard:
            unheard.bind("odd")
    before = (root.folder / "odd").lstat().st_ino

    with pytest.raises(Unfit, match="is no plain file"):
        root.read("odd", LIMIT)
    with pytest.raises(Unfit, match="is no plain file"):
        root.write("odd", "x")

    assert (root.folder / "odd").lstat().st_ino == before
    assert list(root.walk()) == ["a/page.md"]


def test_a_device_is_not_opened() -> None:
    with pytest.raises(Unfit, match="is no plain file"):
        Root(Path("/dev")).read("null", LIMIT)


# walking


def test_a_walk_gives_files_in_order_and_follows_nothing(root: Root, outside: Path) -> None:
    for name in ("b.md", "c/d/e.md", "c/a.md", ".dot"):
        root.write(name, "x")
    (root.folder / "link").symlink_to(outside)
    (root.folder / "c" / "loop").symlink_to("..")
    os.mkfifo(root.folder / "pipe")

    assert list(root.walk()) == [".dot", "b.md", "a/page.md", "c/a.md", "c/d/e.md"]
    assert list(root.walk("c")) == ["c/a.md", "c/d/e.md"]
    with pytest.raises(LinkRefused):
        list(root.walk("link"))


def test_a_walk_leaves_out_what_it_is_told(root: Root) -> None:
    for name in ("b/x.md", "b/y.md", "c/z.md"):
        root.write(name, "x")

    found = root.walk(skip=lambda path: path in {"a", "b/x.md"})

    assert list(found) == ["b/y.md", "c/z.md"]


def test_a_walk_gives_no_name_that_cannot_be_opened(root: Root) -> None:
    odd = (b"\xff.md", b"a\nb.md", b"a\\b.md", "\u202egm.md".encode())
    for name in odd:
        Path(os.fsdecode(os.fsencode(root.folder) + b"/" + name)).write_text("x")

    assert list(root.walk()) == ["a/page.md"]


def test_a_walk_ends_at_some_depth(root: Root) -> None:
    deep = root.folder
    for _ in range(DEEPEST + 5):
        deep = deep / "d"
        deep.mkdir()
        (deep / "x").write_text("x")

    found = list(root.walk())

    assert len(found) == DEEPEST - 1 + 1  # and a/page.md
    assert all(root.read(path, LIMIT) for path in found)


# one at a time


def test_a_folder_is_held_against_others(root: Root) -> None:
    seen: list[str] = []

    def add(sign: str) -> None:
        for _ in range(20):
            with root.locked("a/count"):
                before = root.read_text("a/count", LIMIT)
                root.write("a/count", before + sign)
                seen.append(sign)

    root.write("a/count", "")
    adders = [threading.Thread(target=add, args=(sign,)) for sign in "xy"]
    for adder in adders:
        adder.start()
    for adder in adders:
        adder.join()

    assert sorted(root.read_text("a/count", LIMIT)) == sorted(seen) == ["x"] * 20 + ["y"] * 20


def test_a_folder_that_is_never_given_back_is_not_waited_for(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooted, "PATIENCE", 0.05)

    why = pytest.raises(Held, match=r"holds the folder of a/other\.md")
    with root.locked("a/page.md"), why, root.locked("a/other.md"):
        pass


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_no_file_stays_open(root: Root, outside: Path) -> None:
    (root.folder / "link").symlink_to(outside)
    before = len(list(Path("/proc/self/fd").iterdir()))

    for path in ("a/page.md", "a", "link/x", "none/x", "..", "a/page.md/x"):
        with suppress(HarnessError):
            root.read(path, LIMIT)
        with suppress(HarnessError):
            list(root.walk(path))

    assert len(list(Path("/proc/self/fd").iterdir())) == before
