"""Shell text is refused unless every reader of it sees the same plain words."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.permission.builtins import why_builtin
from harness.permission.shell import MAX_CHARS, Redirect, Simple, Unsafe, parse
from tests.permission.shell_tables import BENIGN, CHANGING, CONTROL, DANGEROUS, REFUSED, rows

SHELLISH = st.text("ab c\n\t'\"\\$`(){}[]<>|&;#!~*?=-1é\u00a0\u202e", max_size=40)
PIECES = st.sampled_from("ab1é='\"\\$`{}()[]#!~*?^%@:,;& \t\n-+") | st.sampled_from(
    ["'a b'", '"c d"', '"e$"', "\\'", "$a", "{a,b}", "''", "2>&1", "stash@{0}", "!="]
)
BASH = shutil.which("bash") or ""
SHOW = """exec 9> "$1"; set -f; p() { printf '%s\\0' "$@" >&9; }
"""
PLAIN = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_categories=["Cc", "Cf", "Zs"])
    | st.just(" "),
    max_size=12,
)


def argvs(text: str) -> list[tuple[str, ...]]:
    return [command.argv for command in parse(text).commands]


def only(text: str) -> Simple:
    (command,) = parse(text).commands
    return command


def words_in_bash(text: str) -> list[str]:
    """The arguments of all calls of `p` in a text that runs nothing else."""
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run(
            [BASH, "-c", SHOW + text, "bash", file.name],
            env={"PATH": "/nowhere", "LC_ALL": "C.UTF-8", "a": "b"},
            capture_output=True,
            check=False,
        )
        return file.read().decode().split("\0")[:-1]


@pytest.mark.parametrize("text", [*rows(REFUSED), *CONTROL], ids=ascii)
def test_what_only_a_shell_could_do_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(Unsafe, match=r"\w"):
        parse(text)


@pytest.mark.parametrize("text", rows(BENIGN, DANGEROUS, CHANGING))
def test_plain_commands_parse(text: str) -> None:
    assert parse(text).commands


@given(SHELLISH | st.text())
@example("cat <<a\nb")
@example("echo $")
@example("a\ud800")
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with suppress(Unsafe):
        assert all(command.argv for command in parse(text).commands)


@given(st.lists(PLAIN, min_size=1, max_size=6))
def test_quoted_words_come_out_as_they_went_in(words: list[str]) -> None:
    text = " ".join(["echo", *(single_quoted(word) for word in words)])

    assert argvs(text) == [("echo", *words)]


def single_quoted(word: str) -> str:
    """`shlex.quote` leaves `==` bare, and that is an operator to some shells: it is refused."""
    return "'" + word.replace("'", "'\"'\"'") + "'"


def test_an_operator_that_nobody_quoted_is_refused() -> None:
    with pytest.raises(Unsafe):
        parse("echo ==")


@pytest.mark.skipif(not BASH, reason="bash is the oracle")
@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_bash_sees_the_same_words(arguments: str) -> None:
    text = f"p x {arguments}"
    with suppress(Unsafe):
        ours = [word for name, *words in argvs(text) if name == "p" for word in words]
        assert ours == words_in_bash(text)


def test_pipelines_and_lists_keep_their_order_and_their_joints() -> None:
    script = parse("a | b && c || d; e\nf &&\n g")

    assert [(step.joined, [each.name for each in step.pipeline]) for step in script.steps] == [
        (";", ["a", "b"]),
        ("&&", ["c"]),
        ("||", ["d"]),
        (";", ["e"]),
        (";", ["f"]),
        ("&&", ["g"]),
    ]


def test_quotes_are_removed_as_a_shell_does() -> None:
    assert argvs("""echo 'a b'"c d"e\\ f "it's" '"' "a\\"b" '' "foo$" 'x\ny'""") == [
        ("echo", "a bc de f", "it's", '"', 'a"b', "", "foo$", "x\ny")
    ]


def test_only_unquoted_patterns_are_patterns() -> None:
    words = only("ls *.py 'a*' \"b?\" c\\* [ab]x 'd[1]'*.txt --include=*.py").words

    assert [word.pattern for word in words] == [
        *(None, "*.py", None, None, None, "[ab]x", "d[[]1]*.txt", None)
    ]


def test_redirects_are_data() -> None:
    assert only("a < in > out 2>&1").redirects == (
        Redirect(0, "<", "in"),
        Redirect(1, ">", "out"),
        Redirect(2, ">&", "1"),
    )
    assert only("a >> log 2>/dev/null").redirects == (
        Redirect(1, ">>", "log"),
        Redirect(2, ">", "/dev/null"),
    )
    assert only("a &> 'b c'").redirects == (Redirect(1, ">", "b c"), Redirect(2, ">&", "1"))


def test_braces_that_no_shell_expands_are_words() -> None:
    assert argvs("git show stash@{0} {} HEAD^") == [("git", "show", "stash@{0}", "{}", "HEAD^")]


def test_the_longest_text_is_read_and_no_longer_one() -> None:
    assert parse("echo " + "x" * (MAX_CHARS - 5))
    with pytest.raises(Unsafe, match="8,000"):
        parse("echo " + "x" * (MAX_CHARS - 4))


def test_a_refused_builtin_says_what_to_do_instead() -> None:
    with pytest.raises(Unsafe, match="part of a shell") as refused:
        parse("cd src && ls")

    assert refused.value.hint == why_builtin("cd")
    assert "relative" in str(refused.value.hint)


@pytest.mark.parametrize("text", ['echo "a\\$b"', 'echo "a\\\nb"'])
def test_what_two_readers_split_differently_is_refused(text: str) -> None:
    with pytest.raises(Unsafe, match="more than one way"):
        parse(text)
