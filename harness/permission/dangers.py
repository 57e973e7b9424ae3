"""Programs that can do anything, and why. A rule that ends in `:*` covers none of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.permission.options import Table, take_apart
from harness.permission.script import Simple, Word

ANYTHING = "it runs whatever its arguments or its files say"
SHELL = "it is a shell"
LANGUAGE = "it runs programs that are written in its arguments"
EDITOR = "it runs commands from inside, and writes files"
POWER = "it runs commands with other rights, or outside of what is watched"
NETWORK = "it reaches the network past the guarded tools; use those of the agent for the web"
MACHINE = "it changes the machine"
STEPS = "it runs or steers other programs"
WRITES = "it writes whatever file it is given"
INSTALLS = "it runs programs that come from elsewhere"
DANGERS: Mapping[str, str] = {
    name: reason
    for reason, names in {
        SHELL: """sh bash dash zsh ksh mksh pdksh fish csh tcsh rbash ash busybox toybox yash elvish
            nu xonsh pwsh powershell rksh sash posh rc es scsh coreutils""",
        LANGUAGE: """python pypy perl ruby irb node nodejs deno bun php lua luajit tclsh wish expect
            awk gawk mawk nawk original-awk Rscript R julia ghci runghc scala groovy java jshell
            erl elixir iex guile racket clojure ocaml swift osascript octave maxima bc dc m4 sqlite3
            psql mysql mariadb redis-cli mongosh gnuplot emacsclient ts-node tsx ipython jupyter
            pydoc erb phar prove runhaskell ghc sbcl clisp ecl scheme gforth swipl jjs rhino
            qjs d8 xsltproc dotnet csi cling tcc""",
        EDITOR: """ed ex vi vim nvim view vimdiff rvim emacs nano pico joe mcedit micro kak helix
            less more most pg man info whatis w3m lynx links elinks mutt
            editor pager sensible-editor sensible-pager sensible-browser www-browser
            x-www-browser gvim rgvim see edit compose run-mailcap""",
        POWER: """sudo su doas pkexec runuser chroot nsenter unshare setpriv capsh newgrp sg bwrap
            firejail systemd-run machinectl docker podman nerdctl kubectl helm vagrant virsh lxc
            runc crun dbus-send dbus-run-session busctl gosu su-exec fakeroot proot run0
        start-stop-daemon""", NETWORK: """curl wget nc ncat netcat socat telnet ftp sftp tftp lftp
            ssh scp slogin ssh-keygen ssh-agent ssh-add sshfs rsync aria2c httpie http https openssl
            dig host nslookup ping traceroute whois mail sendmail gh hub svn hg rclone aws gcloud az
            mosh rsh rlogin nmap tcpdump curlie xh GET POST ssh-copy-id""",
        MACHINE: """dd mkfs mount umount chattr setcap setfacl fdisk parted losetup cryptsetup lvm
            swapon swapoff insmod modprobe rmmod sysctl reboot shutdown halt poweroff init telinit
            useradd usermod userdel groupadd passwd chpasswd visudo iptables nft ip ifconfig mknod
            wipefs shred debugfs hdparm apt apt-get dpkg yum dnf rpm pacman apk snap flatpak brew
            update-alternatives ldconfig chown chgrp""",
        STEPS: """systemctl service launchctl crontab at batch kill pkill killall killall5 skill
            fuser tmux screen dtach abduco gdb lldb strace ltrace perf valgrind ld.so watch script
            scriptreplay parallel flock setsid daemonize chrt taskset prlimit numactl run-parts
            entr inotifywait unbuffer rlwrap dbus-launch xdg-open open bpftrace choom setarch
            linux32 linux64 i386 x86_64 pidwait coredumpctl socket-activate sem xterm ptx
            split csplit logrotate gtar bsdtar star gsed gfind gxargs genv gmake gnumake bmake
            pmake remake bsdcpio pax logsave runcon""",
        WRITES: "tee sponge install truncate vipe",
        INSTALLS: """pip pipx pipenv virtualenv yarnpkg npm npx pnpm yarn corepack uv uvx poetry pdm
            hatch conda mamba gem bundle bundler cargo rustup go composer cpan cpanm luarocks mix
            rebar3 nix nix-shell nix-build guix gradle gradlew mvn sbt cabal stack opam ansible
            ansible-playbook terraform just task rake ant ninja cmake meson bazel scons invoke fab
            tox nox pre-commit direnv asdf mise volta nvm""",
    }.items()
    for name in names.split()
}  # fmt: skip
# Programs of which a prefix covers the options listed, and no other.
LIMITED: Mapping[str, Table] = {
    name: Table.of("paths", options)
    for name, options in (
        ("make", """-j= -k -s -n -B -i -q -w --jobs=? --keep-going --silent --quiet --dry-run
            --just-print --always-make --question --no-print-directory --print-directory"""),
        ("tar", """-x -c -t -v -z -j -J -f@ -C@ -p -k -m -r -u -O --extract --create --list
            --verbose --gzip --bzip2 --xz --zstd --file@ --directory@ --exclude= --strip-components=
            --wildcards --keep-old-files --auto-compress -a"""),
        ("zip", "-r -q -v -9 -1 -0 -j -u -m -y -x= -i= -@"),
        ("unzip", "-l -q -o -n -d@ -j -v -t -p -Z -x="),
        ("7z cpio ar", ""),
    )
    for name in name.split()
}  # fmt: skip
_LETTERS = re.compile(r"[A-Za-z]+")
LOADERS = re.compile(r"ld(-linux.*|-musl.*|64)?\.so.*|ld-.*")


def why_dangerous(name: str) -> str | None:
    """Why nobody can say what a program of this name does; None for all others."""
    if "/" in name:
        return "a program that is named by its path is whatever was put there last"
    for base in (name, name.lower(), _stem(name)):
        if reason := DANGERS.get(base):
            return f"{name}: {reason}"
    if LOADERS.fullmatch(name):
        return f"{name}: {STEPS}"
    if name.startswith("git-"):
        return f"{name}: {ANYTHING}"
    return None


def _stem(name: str) -> str:
    """`python` of `python3.11`, `nc` of `nc.openbsd`, `mkfs` of `mkfs.ext4`."""
    found = _LETTERS.match(name)
    return found[0].lower() if found else ""


def beyond_limits(command: Simple) -> str | None:
    """Why a prefix does not cover this call of a program of which some options are dangerous."""
    table = LIMITED.get(command.name)
    if table is None:
        return None
    words = list(command.words[1:])
    if command.name == "tar" and words and not words[0].text.startswith("-"):
        return "tar: options without a dash are not read here; write them with one"
    line = take_apart(words, table)
    if command.name == "make" and any(_sets(word) for word in line.operands):
        return "make: a variable that is set may be the shell it uses"
    return f"{command.name}: {line.trouble}" if line.trouble else None


def _sets(word: Word) -> bool:
    return "=" in word.text or word.pattern is not None
