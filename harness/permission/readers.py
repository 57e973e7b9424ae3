"""Programs that only look, with the options that do not make them do more."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from harness.permission.options import Line, Table, take_apart
from harness.permission.script import Simple, Word
from harness.permission.study import Study

_GREP = """-i -y -v -n -c -l -L -o -q -s -w -x -E -F -G -P -r -h -H -a -I -z -Z -b -T -# -A= -B= -C=
    -m= -e= -f@ --regexp= --file@ --ignore-case --no-ignore-case --invert-match --word-regexp
    --line-regexp --count --color=? --colour=? --files-with-matches --files-without-match
    --max-count= --only-matching --quiet --silent --no-messages --line-number --with-filename
    --no-filename --null --after-context= --before-context= --context=? --include= --exclude=
    --exclude-dir= --exclude-from@ --recursive --text --extended-regexp --fixed-strings
    --basic-regexp --perl-regexp --line-buffered --byte-offset --initial-tab"""
_SUMS = "-b -t -z --tag --binary --text --zero"
READERS: Mapping[str, Table] = {
    name: Table.of(operands, options)
    for names, operands, options in (
        ("ls", "paths", """-1 -a -A -l -h -t -r -S -d -F -p -R -i -s -n -g -o -G -U -X -c -u -x -C
            -m -k -q -Q -b -B -v -N --all --almost-all --human-readable --recursive --reverse --size
            --directory --full-time --group-directories-first --color=? --sort= --time=
            --time-style= --si --classify --inode --numeric-uid-gid"""),
        ("cat", "paths", """-A -b -e -E -n -s -t -T -u -v --show-all --number --number-nonblank
            --show-ends --show-tabs --squeeze-blank --show-nonprinting"""),
        ("head tail", "paths", "-n= -c= -q -v -z -# --lines= --bytes= --quiet --silent --verbose"),
        ("wc", "paths", "-l -w -c -m -L --lines --words --bytes --chars --max-line-length"),
        ("sort", "paths", """-b -d -f -g -i -M -h -n -R -r -V -c -C -k= -m -s -t= -u -z --key=
            --field-separator= --numeric-sort --reverse --unique --human-numeric-sort --stable
            --version-sort --general-numeric-sort --ignore-case --check --zero-terminated"""),
        ("uniq", "path", """-c -d -D -i -u -f= -s= -w= -z --count --repeated --unique --ignore-case
            --skip-fields= --skip-chars= --check-chars="""),
        ("cut", "paths", """-b= -c= -d= -f= -n -s -z --delimiter= --fields= --characters= --bytes=
            --output-delimiter= --complement --only-delimited"""),
        ("tr", "text", "-c -C -d -s -t --delete --complement --squeeze-repeats --truncate-set1"),
        ("grep egrep fgrep", "pattern", _GREP),
        ("rg", "pattern", """-i -v -n -N -c -l -o -q -s -S -w -x -F -P -U -H -I -0 -a -u -p -. -A=
            -B= -C= -m= -e= -f@ -g= -t= -T= -j= -d= -M= -r= --files --glob= --iglob= --type=
            --type-not= --hidden --no-ignore --no-ignore-vcs --ignore-case --smart-case
            --case-sensitive --fixed-strings --word-regexp --line-number --no-line-number --count
            --count-matches --files-with-matches --files-without-match --only-matching --max-count=
            --max-depth= --max-columns= --context= --after-context= --before-context= --no-heading
            --heading --color= --colors= --json --stats --sort= --sortr= --multiline
            --multiline-dotall --pcre2 --replace= --regexp= --file@ --type-list --no-messages --trim
            --vimgrep --column --with-filename --no-filename --null --one-file-system"""),
        ("diff", "paths", """-u -U= -c -C= -q -s -y -w -b -B -i -E -Z -a -N -t -p -n -e -W=
            --unified=? --brief --color=? --side-by-side --ignore-case --ignore-all-space
            --ignore-space-change --ignore-blank-lines --width= --label= --strip-trailing-cr
            --minimal --suppress-common-lines --no-dereference"""),
        ("cmp", "paths", "-b -l -s --silent --quiet -n= -i= --bytes= --print-bytes --verbose"),
        ("comm", "paths", "-1 -2 -3 --check-order --nocheck-order --total --output-delimiter="),
        ("stat", "paths", "-c= -t -f --format= --printf= --terse --file-system"),
        ("file", "paths", "-b -i --brief --mime --mime-type --mime-encoding"),
        ("du", "paths", """-s -h -a -c -d= -k -m -b -x --max-depth= --summarize --human-readable
            --all --total --apparent-size --exclude= --bytes --one-file-system"""),
        ("df", "paths", "-h -k -m -T -i -a -P --human-readable --total --print-type --inodes"),
        ("nl", "paths", "-b= -d= -f= -h= -i= -l= -n= -p -s= -v= -w="),
        ("tac", "paths", "-b -r -s= --before --regex --separator="),
        ("rev", "paths", ""),
        ("paste", "paths", "-d= -s -z --delimiters= --serial"),
        ("join", "paths", "-1= -2= -t= -a= -v= -o= -e= -i --header"),
        ("fold", "paths", "-w= -s -b --width= --spaces"),
        ("expand unexpand", "paths", "-t= -i --tabs= --initial"),
        ("od", "paths", "-A= -t= -N= -j= -c -x -b -d -o -v"),
        ("hexdump", "paths", "-C -n= -s= -v -c -x -d -o -b"),
        ("strings", "paths", "-n= -a -t= -# --all --bytes= --radix="),
        ("base64", "paths", "-d -w= --decode --wrap="),
        ("shasum", "paths", "-a= -b -t --algorithm="),
        ("column", "paths", "-t -s= -c= -x --table --separator= --output-width="),
        ("md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum", "paths", _SUMS),
        ("cksum sum", "paths", ""),
        ("realpath", "paths", """-e -m -s -q -z --relative-to@ --relative-base@ --strip
            --canonicalize-existing --canonicalize-missing --no-symlinks --quiet"""),
        ("readlink", "paths", "-f -e -m -n -q -z --canonicalize --no-newline"),
        ("tree", "paths", """-a -d -f -L= -I= -P= -h -s -D -p -C -n -F -i -u -g -J --dirsfirst
            --noreport --prune --gitignore --du"""),
        ("jq", "pattern", """-r -c -n -s -S -e -a -j -M -C -R --raw-output --compact-output
            --null-input --slurp --sort-keys --exit-status --tab --indent= --arg== --argjson==
            --raw-input --join-output --ascii-output --monochrome-output --color-output"""),
        ("basename", "text", "-a -s= -z --multiple --suffix= --zero"),
        ("dirname", "text", "-z --zero"),
        ("seq", "text", "-w -s= -f= --equal-width --separator= --format="),
        ("cal", "text", "-3 -1 -m -s -y -j"),
        ("date", "+", """-u -R -I=? -d= -r@ --date= --utc --universal --iso-8601=? --rfc-3339=
            --rfc-email --reference@"""),
        ("sleep printenv", "text", ""),
        ("which", "text", "-a"),
        ("pwd", "none", "-L -P --logical --physical"),
        ("uname", "none", "-a -s -r -m -n -p -o -v -i --all"),
        ("uptime", "none", "-p -s --pretty --since"),
        ("free", "none", "-h -m -g -k -b -t -w --human --mega --giga --total --wide"),
        ("hostname", "none", "-s -f -i -I -d -A"),
        ("id", "text", "-u -g -G -n -r --user --group --groups --name"),
        ("whoami nproc arch tty logname groups", "none", ""),
    )
    for name in names.split()
}  # fmt: skip
ANY_WORDS = {"echo", "printf", "true", "false"}  # they take every word for text
# options and words of theirs run programs, write, or lead to other files
CAREFUL = {"sort", "rg", "tree", "file", "diff", "jq", "strings"}
NEVER, ALWAYS = frozenset[str](), frozenset({"always"})
_R = frozenset({"-r", "--recursive"})
DEEP = {
    **{
        "rg": ALWAYS,
        "diff": ALWAYS,
        "tree": ALWAYS,
        "du": ALWAYS,
        "ls": frozenset({"-R", "--recursive"}),
    },
    **dict.fromkeys(("grep", "egrep", "fgrep"), _R),
}
NO_PATTERN = {"-e", "--regexp", "-f", "--file", "--files", "--type-list"}
_ATTACHED = re.compile(r"\.\.|\.?/")  # where a path begins within an option
LONGEST_BUNDLE = 6  # signs before the value that is attached to a bundle of options
_IMPORTS = re.compile(r"\b(import|include|modulemeta)\b")


def is_reader(name: str) -> bool:
    return name in READERS or name in ANY_WORDS or name == "test"


def read(command: Simple) -> Study:
    """What a program of the table does with these arguments."""
    if command.name in ANY_WORDS:
        return Study(reads_only=True)
    if command.name == "test":
        return Study(reads_only=True, reads=command.argv[1:])
    line = take_apart(command.words[1:], READERS[command.name])
    kind = READERS[command.name].operands
    trouble = line.trouble or _OPERANDS[kind](line) or _extra(command.name, line)
    reads, deep = _reads(kind, line), not DEEP.get(command.name, NEVER).isdisjoint(line.given)
    deep = deep or DEEP.get(command.name) == ALWAYS
    if not reads and (deep or command.name == "ls"):
        reads = (".",)
    if trouble is None:
        return Study(reads_only=True, reads=reads, deep=deep)
    trouble = f"{command.name}: {trouble}"
    danger = trouble if command.name in CAREFUL else None
    loose = loose_paths(command.words[1:])
    return Study(reads=loose, writes=loose, deep=True, danger=danger, unsure=trouble)


def _reads(kind: str, line: Line) -> tuple[str, ...]:
    """Every operand that may be a path; `-` is standard input."""
    operands = [word.text for word in line.operands]
    if kind in {"text", "none", "+"}:
        operands = []
    if kind == "pattern" and NO_PATTERN.isdisjoint(line.given):
        operands = operands[1:]
    return tuple(path for path in (*operands, *line.paths) if path != "-")


def _extra(name: str, line: Line) -> str | None:
    if name == "strings" and any(word.text.startswith("@") for word in line.operands):
        return "a file behind @ holds names of other files"
    if name == "jq" and line.operands and _IMPORTS.search(line.operands[0].text):
        return "a filter that reads modules"
    return None


def _anything(line: Line) -> str | None:
    return None


def _first_is_plain(line: Line) -> str | None:
    return "the pattern is not quoted" if line.operands and line.operands[0].pattern else None


def _at_most_one(line: Line) -> str | None:
    if len(line.operands) > 1 or any(word.pattern for word in line.operands):
        return "a second file is one that it writes"
    return None


def _none(line: Line) -> str | None:
    return "it changes something when it is given a word" if line.operands else None


def _formats(line: Line) -> str | None:
    if all(word.text.startswith("+") and not word.pattern for word in line.operands):
        return None
    return "a word without + sets the clock"


_OPERANDS: Mapping[str, Callable[[Line], str | None]] = {
    "paths": _anything,
    "text": _anything,
    "pattern": _first_is_plain,
    "path": _at_most_one,
    "none": _none,
    "+": _formats,
}


def loose_paths(words: Sequence[Word]) -> tuple[str, ...]:
    """Whatever could be a path in the arguments of a program that is not known."""
    found = []
    for word in words:
        text = word.text
        if not text.startswith("-"):
            found.append(text)
        name, _, value = text.partition("=")
        found.append(value)
        if name.startswith("--"):
            text = name
        elif text.startswith("-"):
            found += [text[at:] for at in range(2, LONGEST_BUNDLE)]
        if text.startswith("-") and (at := _ATTACHED.search(text)):
            found.append(text[at.start() :])
    return tuple(path for path in found if path)
