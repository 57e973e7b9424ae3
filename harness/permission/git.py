"""git: which of its commands only look.

They do so only when a repository's own config cannot name programs: see `taming.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.permission.options import Line, Table, names, take_apart
from harness.permission.readers import loose_paths
from harness.permission.script import Simple, Word
from harness.permission.study import Study

GLOBAL = {"--no-pager", "-P", "--no-optional-locks", "--literal-pathspecs", "--no-replace-objects"}
_DIFF = """-p -u -s -U= -w -b -M -C -R -a -z --stat=? --shortstat --numstat --name-only
    --name-status --summary --patch --no-patch --unified= --word-diff=? --color=? --no-color
    --cached --staged --check --ignore-all-space --ignore-space-change --ignore-blank-lines
    --diff-filter= -S= -G= --minimal --patience --histogram --find-renames=? --no-renames --raw
    --full-index --binary --relative=? --compact-summary --dirstat=? --exit-code --quiet -q
    --no-ext-diff --no-textconv --function-context -W --merge-base --abbrev=?"""
_LOG = f"""{_DIFF} -# -n= --oneline --graph --all --decorate=? --no-decorate --author= --committer=
    --since= --until= --after= --before= --grep= -i -E -F --max-count= --skip= --reverse --merges
    --no-merges --first-parent --follow --format= --pretty=? --date= --branches=? --tags=?
    --remotes=? --abbrev-commit --topo-order --date-order --left-right --cherry-pick --boundary -L=
    --ancestry-path --parents --children --stdin --no-walk --walk-reflogs -g --invert-grep --count
    --full-history --simplify-by-decoration --source --regexp-ignore-case"""
READERS: Mapping[str, Table] = {
    name: Table.of("pattern" if name == "grep" else "paths", options)
    for name, options in (
        ("status", """-s -b -u=? -z --short --branch --porcelain=? --long --ignored=?
            --untracked-files=? --no-renames --show-stash --ahead-behind --no-ahead-behind"""),
        ("log", _LOG),
        ("show", _LOG),
        ("diff", _DIFF),
        ("shortlog", f"{_LOG} -s -e --summary --numbered --email"),
        ("rev-parse", """--short=? --verify -q --quiet --abbrev-ref=? --show-toplevel --git-dir
            --show-prefix --show-cdup --is-inside-work-tree --is-inside-git-dir --symbolic
            --symbolic-full-name --is-bare-repository --all --branches=? --tags=?"""),
        ("rev-list", _LOG),
        ("ls-files", """-c -d -m -o -i -s -t -u -z -x= --cached --deleted --modified --others
            --ignored --stage --exclude= --exclude-standard --full-name --error-unmatch"""),
        ("ls-tree", "-r -d -t -l -z --name-only --name-status --long --full-name --full-tree"),
        ("blame", "-L= -w -M -C -s -e -l -t -p --porcelain --line-porcelain --date= --show-email"),
        ("describe", """--tags --all --always --long --dirty=? --abbrev= --match= --exclude=
            --contains"""),
        ("cat-file", "-p -t -s -e --batch --batch-check"),
        ("grep", """-i -v -n -c -l -L -w -E -F -G -P -h -H -I -a -q -z -o -p -W -# -A= -B= -C= -e=
            -m= --cached --ignore-case --line-number --count --name-only --files-with-matches
            --word-regexp --extended-regexp --fixed-strings --perl-regexp --and --or --not
            --all-match --untracked --heading --break --show-function --max-depth= --color=?
            --no-color --only-matching --column"""),
        ("merge-base", "-a --all --is-ancestor --fork-point --octopus --independent"),
        ("name-rev", "--tags --name-only --all --always"),
        ("count-objects", "-v -H --verbose --human-readable"),
        ("show-ref", "-d -q -s --head --heads --tags --verify --hash=? --dereference --quiet"),
        ("for-each-ref", "--count= --format= --sort= --points-at= --merged=? --contains=?"),
        ("show-branch", "-a -r --all --remotes --list --current"),
    )
}  # fmt: skip
# These look or change, as their options say; here is what makes them look.
LISTS: Mapping[str, tuple[Table, frozenset[str]]] = {
    "branch": (
        Table.of("paths", """-a -r -v -l -i --all --remotes --verbose --list --show-current --sort=
            --format= --column=? --color=? --no-color --points-at= --merged --no-merged --contains
            --no-contains --ignore-case"""),
        frozenset({"-l", "--list", "--merged", "--no-merged", "--contains", "--no-contains"}),
    ),
    "tag": (
        Table.of("paths", """-l -n -i --list --sort= --format= --column=? --color=? --merged
            --no-merged --contains --points-at= --ignore-case"""),
        frozenset({"-l", "--list", "--merged", "--no-merged", "--contains"}),
    ),
    "remote": (Table.of("paths", "-v --verbose"), frozenset()),
    "reflog": (Table.of("paths", _LOG), frozenset()),
}  # fmt: skip
SECOND: Mapping[tuple[str, str], Table] = {
    ("stash", "list"): Table.of("paths", _LOG),
    ("stash", "show"): Table.of("paths", _DIFF),
    ("reflog", "show"): Table.of("paths", _LOG),
    ("remote", "get-url"): Table.of("paths", "--all --push"),
    ("worktree", "list"): Table.of("paths", "-v --verbose --porcelain -z"),
    ("notes", "list"): Table.of("paths", ""),
    ("notes", "show"): Table.of("paths", ""),
}
# What a rule by prefix may cover, as long as no option below is given.
ORDINARY = names(
    """add commit checkout switch restore merge rebase reset stash mv rm cherry-pick revert branch
    tag init clean remote notes reflog worktree"""
)
NETWORK = names("clone fetch pull push ls-remote submodule fetch-pack send-pack")
BAD_LONG = (
    *("exec", "upload-pack", "receive-pack", "ext-diff", "textconv", "open-files-in-pager"),
    *("output", "template", "config", "config-env", "exec-path", "git-dir", "work-tree"),
    *("filters", "no-index", "help", "man", "strategy", "gpg-sign", "show-signature", "pathspec"),
    *("pathspec-from-file", "separate-git-dir", "interactive", "contents", "edit-description"),
)
BAD_SHORT: Mapping[str, str] = {
    "rebase": "xis",
    "merge": "s",
    "grep": "O",
    "diff": "O",
    "log": "O",
    "show": "O",
}


def git(command: Simple) -> Study:
    """What this call of git does; reads and writes hold every word that may be a path."""
    rest = list(command.words[1:])
    while rest and rest[0].text in GLOBAL:
        rest.pop(0)
    if not rest:
        return Study(reads_only=True)
    given, words = rest[0].text, rest[1:]
    loose = loose_paths(words)
    danger = _danger(given, [word.text for word in words])
    if danger is None and (table := _looks(given, words)) is not None:
        line = take_apart(words, table)
        if line.trouble is None:
            return Study(reads_only=True, reads=_reads(line, table), deep=True)
        why = f"git {given}: {line.trouble}"
        return Study(reads=loose, writes=loose, deep=given in READERS, unsure=why)
    return Study(reads=loose, writes=loose, danger=danger, unsure=danger)


def _reads(line: Line, table: Table) -> tuple[str, ...]:
    """Every operand, be it a revision or a path, and the path within `revision:path`."""
    words = [word.text for word in line.operands]
    if table.operands == "pattern" and "-e" not in line.given:
        words = words[1:]
    within = [word.partition(":")[2] for word in words if ":" in word]
    return (*words, *(path for path in within if path), *line.paths) or (".",)


def _looks(given: str, words: Sequence[Word]) -> Table | None:
    """The table of a command that only looks, with these words."""
    if words and (table := SECOND.get((given, words[0].text))):
        return table
    if given in LISTS:
        table, asked = LISTS[given]
        line = take_apart(words, table)
        return table if not line.operands or not asked.isdisjoint(line.given) else None
    return READERS.get(given)


def _danger(given: str, words: Sequence[str]) -> str | None:
    """Why no prefix may cover it. Git takes any beginning of a long option for the whole."""
    if given.startswith("-"):
        return f"git {given}: an option before the command changes what git runs or where"
    if given in NETWORK:
        return f"git {given}: it reaches the network, and runs what the address says"
    if given not in ORDINARY and given not in READERS:
        return f"git {given}: it may be an alias, or run programs"
    for word in words:
        if word == "--":
            break
        if bad := _bad_option(given, word):
            return f"git {given}: the option {bad} runs a program, or leads elsewhere"
    return None


def _bad_option(given: str, word: str) -> str | None:
    if word.startswith("--"):
        name = word[2:].partition("=")[0]
        return f"--{name}" if any(bad.startswith(name) for bad in BAD_LONG) else None
    shorts = BAD_SHORT.get(given, "")
    if word.startswith("-") and (found := next((c for c in word[1:] if c in shorts), None)):
        return f"-{found}"
    return None
