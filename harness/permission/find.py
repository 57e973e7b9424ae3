"""`find`: an expression of its own, with actions that run, delete and write."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.permission.options import names
from harness.permission.script import Simple, Word
from harness.permission.study import Study

ALONE = names(
    """( ) ! , -not -o -or -a -and -print -print0 -ls -prune -quit -empty -readable -writable
    -executable -true -false -depth -d -xdev -mount -nouser -nogroup -daystart -P -noleaf
    -noignore_readdir_race"""
)
WITH_TEXT = names(
    """-name -iname -path -ipath -wholename -iwholename -regex -iregex -regextype -type -xtype
    -size -mtime -mmin -atime -amin -ctime -cmin -maxdepth -mindepth -perm -user -group -uid -gid
    -links -inum -lname -ilname -fstype -printf -used"""
)
WITH_PATH = names("-newer -anewer -cnewer -samefile")
RUNS = names("-exec -execdir -ok -okdir")
_NEWER = re.compile(r"-newer[aBcm][aBcmt]")


def find(command: Simple) -> Study:
    """What this search reads and runs; `unsure` names the first word that does more."""
    rest = list(command.words[1:])
    paths, inner, trouble = list[str](), list[Simple](), None
    while rest and not _is_expression(rest[0]):
        paths.append(rest.pop(0).text)
    while rest and trouble is None:
        word = rest.pop(0)
        if word.text in RUNS:
            inner.append(Simple(tuple(_until_end(rest))))
            trouble = None if inner[-1].words else f"{word.text} runs nothing"
        elif word.text in WITH_TEXT | WITH_PATH or _NEWER.fullmatch(word.text):
            trouble = _value(word, rest, paths)
        elif word.text not in ALONE or word.pattern:
            trouble = f"{word.text} is not known to be harmless"
    return _told(paths, [each for each in inner if each.words], trouble)


def _told(paths: Sequence[str], inner: Sequence[Simple], trouble: str | None) -> Study:
    reads = tuple(paths) or (".",)
    if trouble is None and not inner:
        return Study(reads_only=True, reads=reads, deep=True)
    danger = f"find: {trouble or 'it runs a command for every file'}"
    return Study(reads=reads, deep=True, inner=tuple(inner), danger=danger, unsure=danger)


def _is_expression(word: Word) -> bool:
    return word.text.startswith("-") or word.text in {"(", "!", ","}


def _until_end(rest: list[Word]) -> list[Word]:
    """Take the words of a command that `;` or `{} +` ends."""
    taken = list[Word]()
    while rest:
        word = rest.pop(0)
        if word.text == ";" or (word.text == "+" and taken and taken[-1].text == "{}"):
            break
        taken.append(word)
    return taken


def _value(word: Word, rest: list[Word], paths: list[str]) -> str | None:
    if not rest or rest[0].pattern:
        return f"the value of {word.text} is not quoted"
    value = rest.pop(0).text
    if word.text not in WITH_TEXT:
        paths.append(value)
    return None
