"""Commands as data: what must never pass for harmless, and what must pass without a question.

One line each: the command, two spaces, `#`, and why. To add a case, add a line.
"""

REFUSED = r"""
echo $HOME  # a variable is expanded
echo "$HOME"  # within double quotes too
echo ${HOME}  # in braces
echo $(id)  # another command's output
echo "$(id)"  # the same within quotes
echo `id`  # the same in backticks
echo "`id`"  # the same in backticks within quotes
echo $((1+1))  # arithmetic
echo $[1+1]  # old arithmetic
echo "$[1+1]"  # the same within quotes
echo $'\x41'  # ANSI-C quotes
echo $"text"  # translated quotes
echo $  # a stray dollar
cat ~/.ssh/id_rsa  # the home
cat ~root/x  # another's home
make X=~/y  # the home after an equals sign
cat {a,b}  # braces
cat /etc/{passwd,shadow}  # braces within a word
echo {1..9}  # a sequence
(ls)  # a subshell
( ls; id ) | cat  # a subshell in a pipeline
{ ls; }  # a group
f() { id; }  # a function
f() { id; }; f  # and its call
function f { id; }  # the other way to write one
if true; then id; fi  # control flow
for x in a b; do id; done  # a loop
while true; do id; done  # another
until false; do id; done  # another
case x in x) id;; esac  # a choice
select x in a; do id; done  # a menu
[[ -f x ]]  # the shell's test
[ -f x ]  # a program that looks like syntax
(( 1 ))  # arithmetic as a command
! ls  # negation
ls &  # in the background
ls & id  # in the background, then another
ls |& cat  # both streams into a pipe
coproc ls  # a coprocess
cat <<EOF  # a here-document
cat <<< text  # a here-string
cat <(id)  # process substitution
ls > >(cat)  # the other way
ls <> x  # both ways
ls >| x  # over everything
ls 3> x  # another stream
ls 1>&2  # streams swapped
ls >&x  # an old way to write both
ls > x y  # a word behind a redirect
> x  # a redirect alone
> x ls  # a redirect first
ls > *.txt  # a pattern to write to
ls >  # nowhere
A=b  # an assignment
A=b ls  # an assignment for one command
LD_PRELOAD=./x.so ls  # the same, and why it matters
PATH=. ls  # the same
A+=b ls  # the same
A[0]=b  # an element of an array
cd /tmp  # builtins of a shell
cd .. && cat x  # the same in a list
eval ls  # the same
source x  # the same
. x  # the same
exec ls  # the same
export A=b  # the same
alias ls=id  # the same
set -e  # the same
trap id EXIT  # the same
ulimit -n 1  # the same
umask 0  # the same
hash -p /tmp/x ls  # the same
unset PATH  # the same
read x  # the same
builtin cd /  # the same
command ls  # the same
enable -n ls  # the same
declare -x A=b  # the same
pushd /  # the same
exit  # the same
'cd' /tmp  # quotes do not change what it is
c"d" /tmp  # nor do quotes within
\cd /tmp  # nor does a backslash
ls # hidden  # a comment
#!/bin/sh  # a comment
echo !!  # history
echo a!b  # history
echo 'unclosed  # a quote that is never closed
echo "unclosed  # another
ls |  # nothing behind a pipe
| ls  # nothing before it
ls &&  # nothing behind
&& ls  # nothing before
ls ;; id  # two at once
ls || || id  # two at once
;  # nothing at all
echo x@(a|b)  # an extended pattern
echo \  # a backslash at the end
* x  # a pattern for a program
"" x  # no program
?s  # a pattern for a program
"""

CONTROL = (
    "",
    " \n ",
    "ls\x00-la",
    "ls\x1b[2J",
    "ls\rid",
    "ls\r\nid",
    "ls\x7f",
    "ls\x0bid",
    "ls\x0cid",
    "ls\u00a0-la",
    "ls\u2003x",
    "ls\u3000x",
    "ls \u200bx",
    "ls \u202ex",
    "ls \u2066x",
    "ls \ufeffx",
    "ls '\u202e'",
    "ls \U000e0041",
    "ls\u2028id",
    "ls\u0085id",
    "ls \ud800",
    "echo a\\\nb",
    "ls " + "x" * 8_000,
    "; ".join(["ls"] * 51),
)

# They parse, and are neither known to only read nor covered by a rule for their first words.
DANGEROUS = r"""
sh -c id  # a shell
bash x.sh  # a shell
dash -c id  # a shell
zsh -c id  # a shell
busybox sh  # a shell by another name
sh.distrib -c id  # a shell by another name
bash5 -c id  # a shell by another name
BASH -c id  # a shell where the disk knows no case
/bin/sh -c id  # a shell by its path
/usr/bin/env sh  # a path hides a wrapper
./ls  # a program of the workspace
../ls  # a program from outside
bin/ls  # a program of the workspace
python -c 1  # an interpreter
python3.11 -m http.server  # one with its version
pypy3 x.py  # another
perl -e 1  # another
ruby -e 1  # another
node -e 1  # another
nodejs x.js  # another
deno run x  # another
php -r 1  # another
lua5.4 x  # another
tclsh x  # another
awk 1 x  # a language that runs commands
gawk 'BEGIN{system("id")}'  # the same
mawk 1  # the same
sqlite3 x.db .shell  # a language that runs commands
ed x  # an editor
vim x  # an editor
vi -c ':!id'  # an editor
view x  # an editor
nano x  # an editor
emacs --batch --eval 1  # an editor
less x  # a pager runs commands
more x  # the same
man ls  # a pager inside
sed 's/a/b/e' x  # runs its output
sed 's/a/b/w out' x  # writes
sed '1e id' x  # runs
sed 'w out' x  # writes
sed 'r /etc/passwd' x  # reads another file
sed '1!G;h;$!d;w x' y  # a script that is not plain
sed -f script x  # a script from a file
sed --fil=script x  # the same, abbreviated
sed -n -e '1e id' x  # a script in an option
sed --expr='1e id' x  # the same, abbreviated
sed 's/a/b/;e id' x  # a second command
sed 's/a/b/gw x' y  # a flag behind a flag
sed -i.bak s/a/b/ x  # a suffix is a name
editor x  # an editor by the name the system gives it
pager x  # a pager by the name the system gives it
coreutils --coreutils-prog=env sh  # many programs in one
gsed 1e\ id x  # sed by another name
gtar -xf x --to-command id  # tar by another name
docker-compose up  # another world by another name
pydoc3 x  # imports what it describes
git grep --no-index x /etc  # searches anything
git stash show --ext-diff  # runs, behind a second word
nice -n 5 -- sh  # behind the end of options
env -u A -- sh -c id  # the same
timeout --preserve-status -k 5 10 sh  # behind several options
find . -newermt 2020-01-01 -exec sh -c id ';'  # behind a test
find . '!' -name x -delete  # behind a negation
tar -cf x --checkpoint=1 --checkpoint-action exec=id y  # the value in a word of its own
tar --use-c id -xf x  # abbreviated
sort -S 1b --compress-program id x  # behind another option
rg --pre-glob x --pre ./x y  # two of them
make -e  # the environment decides
make -j4 -I /tmp  # other makefiles
sed -s -i -e '1e id' x  # a script in an option
sed --in-place=/tmp/ s/a/b/ x  # a copy elsewhere
sed -ni.x p y  # a suffix in a bundle
sudo ls  # other rights
su -c id  # other rights
doas ls  # other rights
pkexec ls  # other rights
chroot . ls  # another root
nsenter -t 1 ls  # another world
unshare ls  # another world
docker run x  # another world
podman run x  # another world
systemctl start x  # a service
systemd-run ls  # a service
crontab x  # later
at now  # later
batch  # later
kill 1  # ends others
pkill x  # ends others
killall x  # ends others
curl http://x  # the network
wget http://x  # the network
nc -l 1  # the network
nc.openbsd x 1  # the network by another name
ncat x 1  # the network
socat - EXEC:id  # the network
telnet x  # the network
ssh x id  # the network
scp x y:  # the network
rsync -e id x y:  # the network
ftp x  # the network
openssl s_client  # the network
dd if=x of=y  # writes anything
mkfs.ext4 x  # the machine
mount x y  # the machine
chattr +i x  # the machine
setcap x y  # the machine
ld.so ./x  # a loader runs any file
ld-linux-x86-64.so.2 ./x  # the same
gdb -ex x  # steers a program
strace ls  # steers a program
ltrace ls  # steers a program
watch ls  # runs through a shell
script -c id  # runs through a shell
parallel id ::: a  # runs through a shell
flock x id  # runs another
setsid ls  # leaves the session
tee x  # writes
pip install x  # runs what it fetches
npm test  # runs what the workspace says
npx x  # runs what it fetches
uv run x  # the same
uvx x  # the same
cargo run  # the same
go run x  # the same
make --eval=x  # a makefile in the arguments
make --ev=x  # abbreviated
make SHELL=/bin/x  # another shell
make -f x  # another makefile
make -fx  # attached
make --file=x  # spelled out
make -C /tmp  # elsewhere
make test -f x  # behind an operand
make -kf x  # in a bundle
tar --checkpoint-action=exec=id -xf x  # runs
tar --checkpoint-act=exec=id -xf x  # abbreviated
tar -xf x --to-command id  # runs, behind the operands
tar --to-c=id -xf x  # abbreviated
tar -xvIf id x  # runs, in a bundle
tar xvIf id x  # the same without a dash
tar -I id -xf x  # runs
tar --use-compress-program=id -xf x  # runs
tar --rsh-command=id -xf x:y  # runs
tar -F id -xf x  # runs
tar --info-script=id -xf x  # runs
tar --new-volume-script=id -xf x  # runs
tar -xf x -P  # absolute names
zip -r x y -T -TT id  # runs
zip x y -TT id  # runs
zip --unzip-command=id x y  # runs
sort --compress-program=id x  # runs
sort --compress-prog id x  # abbreviated
sort -o x y  # writes
sort x -o y  # writes, behind an operand
sort -uo x y  # writes, in a bundle
sort --output=x y  # writes
sort --outp x y  # writes
sort --files0-from=x  # reads what a file names
sort -T /etc x  # writes elsewhere
find . -delete  # deletes
find . -exec id ;  # a text that ends early
find . -exec rm '{}' ';'  # runs
find . -exec ls {} +  # runs for what it finds
find . -execdir ./x ';'  # runs
find . -ok rm {} ';'  # runs
find . -fprint x  # writes
find . -fprintf x %p  # writes
find . -fls x  # writes
find . -name x -o -delete  # behind a test
find . -name '-exec' -delete  # a value that looks like an action
find -L . -name x  # follows links
find . -files0-from x  # reads what a file names
rg --pre id x  # runs
rg --pre=id x  # runs
rg --hostname-bin id x  # runs
rg x --pre id  # behind the operands
rg --search-zip x  # runs
rg -z x  # runs
rg -L x  # follows links
rg -nz x  # in a bundle
file -C -m x  # writes
file -z x  # runs
tree -o x  # writes
tree --output x  # writes
diff -l x y  # runs
diff -r x y  # follows links
jq 'import "x" as y; .' z  # reads modules
jq '"x" | modulemeta' y  # reads modules
jq -f x y  # a filter from a file
jq -L /etc . x  # modules from elsewhere
env A=b ls  # another environment
env LD_PRELOAD=./x.so ls  # why that matters
env -S 'sh -c id'  # splits a text
env --split-string='sh -c id'  # the same
env --split='sh -c id'  # abbreviated
env -iS 'sh -c id'  # in a bundle
env -C / ls  # elsewhere
env -- A=b ls  # behind the end of options
env sh  # a shell inside
env -i bash -c id  # a shell inside
env -u X sh  # behind a value
nice sh  # a shell inside
nice -n 5 sh -c id  # a shell inside
nice -5 sh  # a shell inside
ionice -c 3 sh  # a shell inside
nohup sh  # a shell inside
timeout 5 sh -c id  # a shell inside
timeout -s KILL 5 sh  # behind a value
timeout --sig KILL 5 sh  # abbreviated
timeout -k 1 5 env nice sh  # three deep
env nice nohup timeout 1 env sh  # too deep to follow
stdbuf -oL sh  # a shell inside
time sh  # a shell inside
time -o x ls  # writes
xargs sh -c  # a shell inside
xargs rm  # runs what it reads
xargs cat  # reads what it reads
xargs -I{} sh -c {}  # a shell inside
xargs -a x ls  # reads a file
xargs -0 -n1 python3  # an interpreter inside
git -c core.pager=id log  # a setting runs
git -c 'alias.x=!id' x  # an alias runs
git -ccore.fsmonitor=id status  # attached
git --config-env=core.pager=X log  # from the environment
git --exec-path=. status  # another git
git --git-dir=x status  # another repository
git --work-tree=/ status  # another tree
git -C / status  # elsewhere
git -p log  # a pager
git --paginate log  # a pager
git x  # an alias
git log --ext-diff  # runs
git log --ext  # abbreviated
git diff --textconv  # runs
git diff --textc  # abbreviated
git show --output=x  # writes
git log --outp x  # abbreviated
git diff --no-index /etc/passwd x  # reads anything
git diff --no-ind /etc/passwd x  # abbreviated
git grep -O x  # runs a pager
git grep -Oid x  # runs it
git grep -nOid x  # in a bundle
git grep --open-files-in-pager=id x  # runs
git grep --op x  # abbreviated
git log --show-signature  # runs gpg
git status --help  # runs man
git help log  # runs man
git clone -u id x  # runs
git clone --template=x y  # hooks
git clone x  # the network
git fetch --upload-pack=id x  # runs
git fetch --upl id x  # abbreviated
git pull --upload-pack id  # runs
git ls-remote --upload-pack=id x  # runs
git ls-remote ext::id  # an address that runs
git push --receive-pack=id x  # runs
git push ext::id  # an address that runs
git remote update --exec=id  # runs
git rebase -x id main  # runs
git rebase --exec id main  # runs
git rebase --exe id main  # abbreviated
git rebase -ix id main  # in a bundle
git rebase main -x id  # behind an operand
git bisect run id  # runs
git submodule foreach id  # runs
git submodule update  # the network
git filter-branch --tree-filter id  # runs
git difftool x  # runs
git mergetool  # runs
git config core.pager id  # is run next time
git config alias.x '!id'  # is run next time
git archive --remote=x --exec=id y  # runs
git hook run x  # runs
git daemon  # the network
git send-email x  # runs
git init --template=x  # hooks
git cat-file --filters x  # runs
git cat-file --textconv x  # runs
git-upload-pack x  # git by another name
git shell -c x  # a shell
git maintenance start  # later
git instaweb  # the network
git merge -s x y  # runs git-merge-x
git add --interactive  # a program of its own
strings @x  # reads whatever files x names
strings -a y @x  # the same behind another
"""

# They parse and may be allowed by a rule, but not without one.
CHANGING = r"""
rm x  # deletes
rm -rf .  # deletes
mv x y  # moves
cp x y  # copies
mkdir x  # makes
touch x  # makes
ln -s / x  # makes a way out
chmod +x y  # makes a program
ls > x  # writes
cat x >> y  # writes
echo x > .git/config  # writes
ls 2> x  # writes errors
ls &> x  # writes both
echo x | cat > y  # at the end of a pipeline
uniq x y  # the second file is written
uniq *  # so is what a pattern gives
date -s 2020-01-01  # sets the clock
date --set=x  # sets the clock
date 010100002020  # sets the clock
date -f x  # shows what a file holds
hostname x  # sets the name
hostname -F x  # sets the name
tail -f x  # does not end
grep -R x .  # follows links
grep -rf /etc/passwd --devices=x y  # an option that is not known
wc --files0-from=x  # reads what a file names
md5sum -c x  # reads what a file names
cat --numb x  # an abbreviation
ls --hyperlink x  # an option that is not known
make test  # runs the makefile
pytest  # runs the tests
gcc x.c  # writes
git add x  # changes the index
git commit -m x  # makes a commit
git checkout main  # changes files
git branch x  # makes a branch
git branch -D x  # deletes one
git tag x  # makes a tag
git tag -d x  # deletes one
git remote add x y  # adds one
git stash  # puts changes away
git reset --hard  # throws changes away
git clean -fd  # deletes
git reflog expire --all  # deletes
git worktree add x  # makes a folder
"""

BENIGN = r"""
ls  # looks
ls -la src  # looks
ls -lhR --color=auto docs tests  # looks
cat README.md  # reads
cat a.txt b.txt | head -20  # reads
head -n 5 x  # reads
head -5 x  # reads
tail -n +3 x | head -c 100  # reads
wc -l *.py  # counts
sort -t , -k 2,2n -u x.csv  # sorts
sort x | uniq -c | sort -rn | head  # counts words
cut -d: -f1 x  # columns
cut -d ' ' -f 2- x  # columns
tr a-z A-Z < x  # letters
tr -d '\r' < x  # letters
grep -rn "def main" src --include=*.py  # searches
grep -E 'a|b' x  # searches
grep -c "foo$" x  # searches
grep -v '^#' x | grep -v '^$'  # searches
egrep -i 'x' y  # searches
fgrep -- -x y  # searches for an option
grep -A3 -B 2 x y  # with context
grep -e a -e b x  # two patterns
rg -n foo src  # searches
rg --files -g '*.py'  # lists
rg -tpy -l 'class \w+'  # searches
find . -name '*.py' -type f  # finds
find src tests -maxdepth 2 -newer x ! -name '*.pyc' -print0  # finds
find . '(' -name a -o -name b ')' -mtime -7 -printf '%p\n'  # finds
diff -u a b  # compares
cmp a b  # compares
comm -12 a b  # compares
stat -c %s x  # asks
file x  # asks
du -sh .  # asks
df -h  # asks
pwd  # asks
echo hello world  # says
echo "it's done!"  # says
printf '%s\n' a b  # says
date  # asks
date -u +%Y-%m-%dT%H:%M:%SZ  # asks
date -d yesterday +%F  # asks
basename a/b.txt .txt  # words
dirname a/b  # words
realpath x  # asks
readlink -f x  # asks
nl x | tac | rev  # reads
column -t -s, x.csv  # reads
sha256sum x  # asks
paste -d, a b  # reads
od -An -tx1 x | head -3  # reads
base64 -d x  # reads
md5sum a b  # asks
tree -L 2 src  # looks
jq -r '.items[] | .name' x.json  # reads
jq '.a' x.json | head  # reads
uname -a  # asks
whoami  # asks
id -u  # asks
hostname  # asks
uptime  # asks
free -m  # asks
which git  # asks
seq 1 10  # counts
sleep 1  # waits
true && false || echo no  # joins
test -f x && cat x  # joins
ls nope 2>/dev/null || echo none  # joins
ls; pwd; date  # joins
ls 2>&1 | cat  # streams
cat x &>/dev/null  # streams
cat < x | wc -c  # streams
sed -n 1,20p x  # prints lines
sed -n '/start/,/end/p' x  # prints lines
sed 's/a/b/g' x | head  # replaces on its way
sed -E 's|[0-9]+|N|' x  # replaces on its way
sed '5q' x  # prints lines
env  # shows the environment
timeout 5 grep -r x src  # reads for a while
nice -n 10 wc -l x  # reads politely
nohup cat x  # reads
stdbuf -oL grep x y  # reads
git status  # looks
git status -sb  # looks
git status --porcelain=v1 -uno  # looks
git log --oneline -10  # looks
git log -n 5 --stat --since="2 weeks ago" -- src  # looks
git --no-pager log -p -1 HEAD~2  # looks
git log --format='%h %s' main..dev  # looks
git diff  # looks
git diff --cached --stat  # looks
git diff HEAD~1 HEAD -- a.py  # looks
git show HEAD:README.md  # looks
git show stash@{0}  # looks
git rev-parse --abbrev-ref HEAD  # asks
git rev-parse --show-toplevel  # asks
git ls-files '*.py'  # lists
git ls-tree -r --name-only HEAD  # lists
git blame -L 1,10 x  # looks
git branch  # lists
git branch -a -v  # lists
git branch --list 'a*'  # lists
git branch --show-current  # asks
git tag  # lists
git tag -l 'v*'  # lists
git remote -v  # lists
git remote get-url origin  # asks
git describe --tags --always  # asks
git shortlog -sn HEAD  # counts
git cat-file -p HEAD  # reads
git grep -n foo -- '*.py'  # searches
git reflog  # lists
git reflog show -5  # lists
git stash list  # lists
git worktree list  # lists
git merge-base main dev  # asks
"""


def rows(*tables: str) -> list[str]:
    """The commands of tables, without the reasons."""
    lines = (line for table in tables for line in table.strip().splitlines())
    return [line.rpartition("  # ")[0] for line in lines]
