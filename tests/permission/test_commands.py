"""What is known of a command by its words, and which rules speak of it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.permission.commands import check_pattern, covers, resolve_program, study
from harness.permission.script import Simple
from harness.permission.shell import parse
from tests.permission.shell_tables import BENIGN, CHANGING, DANGEROUS, rows


def only(text: str) -> Simple:
    (command,) = parse(text).commands
    return command


def prefixes(command: Simple) -> list[str]:
    """Every rule that begins as the command does."""
    words = command.argv
    return [f"{shlex.join(words[:count])}:*" for count in range(1, len(words) + 1)]


@pytest.mark.parametrize("text", rows(DANGEROUS, CHANGING))
def test_what_may_do_harm_is_not_known_to_read_only(text: str) -> None:
    assert not all(study(command).reads_only for command in parse(text).commands)


@pytest.mark.parametrize("text", rows(DANGEROUS))
def test_no_rule_by_prefix_covers_a_dangerous_command(text: str) -> None:
    commands = parse(text).commands
    harmful = [command for command in commands if not study(command).reads_only]

    assert [rule for each in harmful for rule in prefixes(each) if covers(rule, each)] == []
    assert all(study(command).danger for command in harmful)


@pytest.mark.parametrize("text", rows(BENIGN))
def test_everyday_looking_around_needs_no_rule(text: str) -> None:
    unsure = [(c.argv, study(c).unsure) for c in parse(text).commands if not study(c).reads_only]

    assert unsure == []


@given(st.lists(st.text(max_size=8), min_size=1, max_size=8))
def test_any_words_can_be_studied(words: list[str]) -> None:
    for name in (words[0], "git", "find", "sed", "env", "xargs", "tar", "grep", "make"):
        found = study(Simple.of([name, *words[1:]]))

        assert found.reads_only is False or found.danger is None or found.inner


def test_wrappers_without_end_are_not_followed() -> None:
    found = study(Simple.of(["env"] * 5_000 + ["ls"]))

    assert found.danger is not None
    assert not found.reads_only


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("cat a 'b c' -", ("a", "b c")),
        ("grep -f patterns x", ("x", "patterns")),
        ("grep --file=/etc/passwd x", ("x", "/etc/passwd")),
        ("grep -e a /etc/passwd x", ("/etc/passwd", "x")),
        ("grep -ie /etc/passwd x", ("x",)),
        ("rg x", (".",)),
        ("rg --files src", ("src",)),
        ("find / -newer /etc/passwd", ("/", "/etc/passwd")),
        ("ls -- -l", ("-l",)),
        ("date -r /etc/passwd", ("/etc/passwd",)),
        ("wc -l < /etc/passwd", ("/etc/passwd",)),
        ("timeout 5 cat /etc/shadow", ("/etc/shadow",)),
        ("git diff /etc/passwd x", ("/etc/passwd", "x")),
        ("git show HEAD:../x", ("HEAD:../x", "../x")),
        ("realpath --relative-to=/ x", ("x", "/")),
        ("sed -n 1p /etc/passwd", ("/etc/passwd",)),
    ],
)
def test_every_path_that_a_reader_reads_is_told(text: str, reads: tuple[str, ...]) -> None:
    found = study(only(text))

    assert found.reads_only
    assert found.reads == reads
    assert found.writes == ()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("ls > out", "out"),
        ("cp a /etc/passwd", "/etc/passwd"),
        ("gcc -o/tmp/x a.c", "/tmp/x"),
        ("tool --out=/tmp/x", "/tmp/x"),
        ("tool -o../x", "../x"),
        ("tool -C..", ".."),
        ("cp -tagents x", "agents"),
        ("cp -rftagents/scout x", "agents/scout"),
        ("tool --files-from=notes/list", "notes/list"),
        ("git worktree add ../x", "../x"),
        ("sed -i s/a/b/ x", "x"),
        ("tar -x -f a -C /etc", "/etc"),
        ("uniq a b", "b"),
    ],
)
def test_every_path_that_may_be_written_is_told(text: str, path: str) -> None:
    assert path in study(only(text)).writes


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("env rm x", "rm x"),
        ("env -i -u A rm x", "rm x"),
        ("nice -n 5 rm x", "rm x"),
        ("timeout -k 1 -s KILL 5s rm x", "rm x"),
        ("xargs -0 -n 1 rm x", "rm x"),
        ("find . -name y -exec rm {} ';'", "rm {}"),
        ("find . -execdir rm {} +", "rm {}"),
        ("stdbuf -o0 -- rm x", "rm x"),
    ],
)
def test_commands_inside_others_are_found(text: str, inner: str) -> None:
    assert [shlex.join(each.argv).replace("'", "") for each in study(only(text)).inner] == [inner]


def test_a_search_below_folders_says_so() -> None:
    assert study(only("grep -rn x src")).deep
    assert study(only("git log -p")).deep
    assert not study(only("cat x")).deep


@pytest.mark.parametrize(
    ("pattern", "text", "covered"),
    [
        ("git status:*", "git status", True),
        ("git status:*", "git status -sb", True),
        ("git status:*", "git statusx", False),
        ("git status:*", "git", False),
        ("git commit:*", "git commit -m 'a b'", True),
        ("git log:*", "git log --output=x", False),
        ("make test", "make test", True),
        ("make test", "make 'test'", True),
        ("make test", "make test x", False),
        ("make test", "make", False),
        ("make:*", "make -j4 test", True),
        ("make:*", "make SHELL=x", False),
        ("ls:*", "ls -la", True),
        ("ls:*", "./ls", False),
        ("ls:*", "/bin/ls", False),
        ("ls:*", "ls > x", False),
        ("ls:*", "ls 2>/dev/null", True),
        ("tar:*", "tar -xzf x.tgz", True),
        ("tar:*", "tar -xf x --to-command=id", False),
        ("env ls", "env ls", True),
        ("env ls:*", "env ls -l", False),
        ("sh -c id", "sh -c id", True),
        ("sh:*", "sh -c id", False),
        ("rm *.pyc", "rm *.pyc", True),
        ("rm '*.pyc'", "rm *.pyc", False),
        ("", "ls", False),
        ("*", "ls", False),
        (":*", "ls", False),
        ("$(x):*", "ls", False),
        ("pytest:*", "pytest -q tests", True),
    ],
)
def test_rules_cover_whole_words(pattern: str, text: str, covered: bool) -> None:
    assert covers(pattern, only(text)) is covered


@pytest.mark.parametrize(
    "pattern",
    [
        *("", " ", "*", ":*", "*:*", "git *", "ls | cat", "ls > x", "ls; id", "A=b ls", "cd x"),
        *("sh:*", "bash -c:*", "python3:*", "node:*", "awk:*", "env:*", "xargs:*", "timeout 5:*"),
        *("sudo:*", "find . -exec:*", "git -c:*", "git push:*", "curl:*", "tee:*", "./x:*"),
        *("npm run:*", "sed -i.bak:*", "make SHELL=x:*", "$(id)", "sort --compress-program=x:*"),
    ],
)
def test_patterns_that_would_allow_anything_are_refused_with_a_reason(pattern: str) -> None:
    assert check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        *("ls:*", "git status:*", "git:*", "make test", "make:*", "pytest:*", "git commit -m:*"),
        *("tar:*", "sed:*", "find:*", "npm test", "sh scripts/check", "mkdir:*", "sort:*"),
    ],
)
def test_sensible_patterns_may_stand(pattern: str) -> None:
    assert check_pattern(pattern) is None


def test_programs_are_found_in_the_places_of_the_system_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "ls-of-mine"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert resolve_program("ls-of-mine") is None
    assert resolve_program(str(own)) is None
    assert resolve_program("") is None
    assert str(resolve_program("ls")).endswith("/bin/ls")
