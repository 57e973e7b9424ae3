"""Addresses that tools must not open, and some that they must: one line each, add yours.

`*.test` names are in ZONE, which a real name server of the test answers from.
"""

from __future__ import annotations

from collections.abc import Sequence

PUBLIC = "93.184.216.34"
OTHER = "1.1.1.1"
SIX = "2606:4700::1111"

# each name's answers in turn, the last one for ever; `=name` is an alias, None is silence
ZONE: dict[str, Sequence[Sequence[str] | None]] = {
    "public.test": [[PUBLIC]],
    "www.public.test": [["=public.test"]],
    "six.test": [[SIX]],
    "both.test": [[PUBLIC, SIX]],
    "other.test": [[OTHER]],
    "feeds.test": [[PUBLIC]],
    "xn--strae-oqa.test": [[PUBLIC]],
    "a_b.test": [[PUBLIC]],
    "-odd-.public.test": [[PUBLIC]],
    "7.test": [[PUBLIC]],
    "127.0.0.1.public.test": [[PUBLIC]],
    "many.test": [[PUBLIC, *(f"93.184.217.{n}" for n in range(1, 200))]],
    "embedded.test": [["64:ff9b::5db8:d822", "2002:5db8:d822::1"]],
    "loop.test": [["127.0.0.1"]],
    "loop6.test": [["::1"]],
    "lan.test": [["192.168.1.1"]],
    "ten.test": [["10.1.2.3"]],
    "carrier.test": [["100.64.0.1"]],
    "metadata.test": [["169.254.169.254"]],
    "metadata6.test": [["fd00:ec2::254"]],
    "zero.test": [["0.0.0.0"]],
    "mixed.test": [[PUBLIC, "10.0.0.1"]],
    "mixed6.test": [[PUBLIC, "::1"]],
    "last.test": [[*(f"93.184.217.{n}" for n in range(1, 200)), "127.0.0.1"]],
    "alias.test": [["=loop.test"]],
    "chain.test": [["=alias.test"]],
    "mapped.test": [["::ffff:127.0.0.1"]],
    "nat.test": [["64:ff9b::7f00:1"]],
    "sixtofour.test": [["2002:7f00:1::"]],
    "isatap.test": [["2606:4700::5efe:127.0.0.1"]],
    "teredo.test": [["2001:0:4136:e378:8000:63bf:3fff:fdd2"]],
    # A and AAAA are two questions: the second answer is for the second fetch's two
    "rebind.test": [[PUBLIC], ["127.0.0.1"]],
}

REFUSED = [
    # this machine, in numbers
    *("http://127.0.0.1/", "http://127.0.0.1:80/", "https://127.0.0.1/", "http://127.255.255.254/"),
    *("http://2130706433/", "http://017700000001/", "http://0x7f000001/", "http://0x7F000001/"),
    *("http://127.1/", "http://127.0.1/", "http://0x7f.1/", "http://0x7f.0.0.1/", "http://0/"),
    *("http://0177.0.0.1/", "http://00000177.0.0.1/", "http://0177.0.1/", "http://127.0.0.01/"),
    *("http://0.0.0.0/", "http://0x0/", "http://0x/", "http://127.0.0.0x1/", "http://4294967297/"),
    *("http://127.0.0.1./", "http://127.0.0.1../", "http://2130706433./", "http://1.2.3.4.5/"),
    *("http://256.1.1.1/", "http://public.test.256/", "http://example.0x7f/"),
    # in other alphabets
    *("http://１２７.0.0.1/", "http://127。0。0。1/", "http://127．0．0．1/", "http://127｡0｡0｡1/"),
    *("http://①②⑦.⓪.⓪.①/", "http://٠١٢٧.٠.٠.١/", "http://ⓛⓞⓞⓟ.test/", "http://loop。test/"),
    *("http://xn--/", "http://lo\u00adop.test/", "http://lo\u200bop.test/", "http://ﬀ.test/"),
    # IPv6
    *("http://[::1]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::]/", "http://[::1]:80/"),
    *("http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::ffff:10.0.0.1]/"),
    *("http://[::127.0.0.1]/", "http://[::ffff:0:127.0.0.1]/", "http://[::8.8.8.8]/"),
    *("http://[64:ff9b::127.0.0.1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[64:ff9b:1::1]/"),
    *("http://[2002:7f00:1::]/", "http://[2002:a9fe:a9fe::1]/", "http://[2002:c0a8:101::1]/"),
    *("http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", "http://[2606:4700::5efe:7f00:1]/"),
    *("http://[2a00:1450::200:5efe:10.0.0.1]/", "http://[fe80::1]/", "http://[fec0::1]/"),
    *("http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[::1%25lo]/"),
    *("http://[fd00:ec2::254]/", "http://[fc00::1]/", "http://[ff02::1]/", "http://[100::1]/"),
    *("http://[2001:db8::1]/", "http://[3fff::1]/", "http://[5f00::1]/", "http://[4000::1]/"),
    *("http://[v1.fe80::a]/", "http://[::1", "http://::1/", "http://[::1]public.test/"),
    # private and special networks
    *("http://10.0.0.1/", "http://172.16.0.1/", "http://172.31.255.255/", "http://192.168.0.1/"),
    *("http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/", "http://100.100.100.200/"),
    *("http://168.63.129.16/", "http://192.0.0.192/", "http://192.0.2.1/", "http://192.88.99.1/"),
    *("http://198.18.0.1/", "http://198.51.100.1/", "http://203.0.113.1/", "http://224.0.0.1/"),
    *("http://240.0.0.1/", "http://255.255.255.255/"),
    # names that lead there
    *("http://loop.test/", "http://loop6.test/", "http://lan.test/", "http://ten.test/"),
    *("http://carrier.test/", "http://metadata.test/", "http://metadata6.test/"),
    *("http://zero.test/", "http://mixed.test/", "http://mixed6.test/", "http://last.test/"),
    *("http://alias.test/", "http://chain.test/", "http://mapped.test/", "http://nat.test/"),
    *("http://sixtofour.test/", "http://isatap.test/", "http://teredo.test/"),
    *("http://LOOP.test/", "http://loop.test./", "https://loop.test/"),
    # two readings of one address
    *("http://public.test@127.0.0.1/", "http://public.test:80@127.0.0.1/", "http://@public.test/"),
    *("http://me@public.test/", "http://me:word@public.test/", "http://:@public.test/"),
    *("http://public.test\\@127.0.0.1/", "http://127.0.0.1\\@public.test/", "http://a@b@c.test/"),
    *("http://127.0.0.1\\.public.test/", "http:\\\\127.0.0.1/", "http://public.test\\/"),
    *("http://127.0.0.1%2f@public.test/", "http://public.test%00.other.test/"),
    *("http://127.0.0.1%20.public.test/", "http://%31%32%37.0.0.1/", "http://%6coop.test/"),
    *("http://public.test;@127.0.0.1/", "http://127.0.0.1#@public.test/", "http://loop.test?@a/"),
    *("http://public.test:80:80/", "http://public.test:443@127.0.0.1:80/", "http://pub lic.test/"),
    *("http://public.test\t/", "http://public.te\nst/", "http://public.test/\r\nHost: loop.test"),
    *("ht\ntp://public.test/", "http://public.test/\x00", "http://public..test/", "http://.test/"),
    # ports
    *("http://public.test:0/", "http://public.test:22/", "http://public.test:8080/"),
    *("http://public.test:65536/", "http://public.test:65616/", "http://public.test:4294967376/"),
    *("http://public.test:-80/", "http://public.test:+80/", "http://public.test:８０/"),
    *("http://public.test:8_0/", "http://public.test: 80/", "http://public.test:0x50/"),
    *("http://public.test:11434/", "https://public.test:6379/", "http://public.test:80a/"),
    # other schemes, or none
    *("", "public.test", "//public.test/", "http:public.test/", "http:/public.test/", "http://"),
    *("http:///public.test/", "https:///127.0.0.1", "file:///etc/passwd", "file://public.test/a"),
    *("ftp://public.test/", "gopher://127.0.0.1:6379/_INFO", "dict://127.0.0.1:11211/stat"),
    *("data:text/html,hi", "javascript:alert(1)", "jar:http://public.test/!/", "ws://public.test/"),
    *("ldap://127.0.0.1/", "unix:///var/run/docker.sock", "http+unix://%2Fvar%2Frun/", "h://x/"),
    *("view-source:http://127.0.0.1/", "url:http://127.0.0.1/", "blob:http://public.test/x"),
    # too much of it
    *("http://" + "a" * 64 + ".test/", "http://" + "a." * 130 + "test/", "http://p/" + "a" * 5000),
]

# what is opened: the address, the place that is connected with, and the Host that is told
PASSING = [
    ("http://public.test/", f"{PUBLIC}:80", "public.test"),
    ("HTTP://PUBLIC.TEST/", f"{PUBLIC}:80", "public.test"),
    (" http://public.test/ ", f"{PUBLIC}:80", "public.test"),
    ("http://public.test", f"{PUBLIC}:80", "public.test"),
    ("http://public.test:80/", f"{PUBLIC}:80", "public.test"),
    ("http://public.test:443/", f"{PUBLIC}:443", "public.test:443"),
    ("http://public.test:/", f"{PUBLIC}:80", "public.test"),
    ("http://public.test./", f"{PUBLIC}:80", "public.test."),
    ("http://public.test?a=1", f"{PUBLIC}:80", "public.test"),
    ("http://public.test#part", f"{PUBLIC}:80", "public.test"),
    ("http://public.test/@user", f"{PUBLIC}:80", "public.test"),
    ("http://public.test/a?next=http://127.0.0.1/", f"{PUBLIC}:80", "public.test"),
    ("http://public.test/a#@127.0.0.1/", f"{PUBLIC}:80", "public.test"),
    ("http://public.test/%0d%0aHost:%20loop.test", f"{PUBLIC}:80", "public.test"),
    ("http://public.test/größe?ä=ö", f"{PUBLIC}:80", "public.test"),
    ("http://public.test/a\\b", f"{PUBLIC}:80", "public.test"),
    ("http://www.public.test/", f"{PUBLIC}:80", "www.public.test"),
    ("http://straße.test/", f"{PUBLIC}:80", "xn--strae-oqa.test"),
    ("http://xn--strae-oqa.test/", f"{PUBLIC}:80", "xn--strae-oqa.test"),
    ("http://a_b.test/", f"{PUBLIC}:80", "a_b.test"),
    ("http://7.test/", f"{PUBLIC}:80", "7.test"),
    ("http://127.0.0.1.public.test/", f"{PUBLIC}:80", "127.0.0.1.public.test"),
    ("http://both.test/", f"{PUBLIC}:80", "both.test"),
    ("http://many.test/", f"{PUBLIC}:80", "many.test"),
    ("http://six.test/", f"[{SIX}]:80", "six.test"),
    ("http://embedded.test/", "[64:ff9b::5db8:d822]:80", "embedded.test"),
    (f"http://{PUBLIC}/", f"{PUBLIC}:80", PUBLIC),
    (f"http://[{SIX}]/", f"[{SIX}]:80", f"[{SIX}]"),
    ("http://[2606:4700:0:0::1111]/", f"[{SIX}]:80", "[2606:4700:0:0::1111]"),
    ("http://[::ffff:1.1.1.1]/", "[::ffff:101:101]:80", "[::ffff:1.1.1.1]"),
]

# where http://public.test/ redirects to, and nobody follows
REDIRECTS_REFUSED = [
    *("http://127.0.0.1/", "//127.0.0.1/", "http://[::1]/", "http://2130706433/", "//0x7f.1/"),
    *("http://169.254.169.254/latest/meta-data/", "http://metadata.test/", "http://loop.test/"),
    *("http://mixed.test/", "http://chain.test/", "http://nat.test/", "https://10.0.0.1/"),
    *("http://public.test:22/", "//public.test:6379/", "http://public.test:0/", "//[::1]:80/"),
    *("http://me:word@public.test/", "//me@public.test/", "http://public.test\\@127.0.0.1/"),
    *("file:///etc/passwd", "ftp://public.test/", "gopher://public.test/", "data:text/plain,hi"),
    *("javascript:alert(1)", "mailto:me@public.test", "ws://public.test/", "//%31%32%37.0.0.1/"),
    *("http://[::1", "http://public.test:99999/", "http://loop。test/"),
]

# where it redirects to, and the place that is asked next
REDIRECTS_PASSING = [
    ("/next", f"{PUBLIC}:80"),
    ("next", f"{PUBLIC}:80"),
    ("?page=2", f"{PUBLIC}:80"),
    ("//other.test/next", f"{OTHER}:80"),
    ("http://other.test/", f"{OTHER}:80"),
    ("HTTP://OTHER.TEST/", f"{OTHER}:80"),
    ("http://www.public.test/", f"{PUBLIC}:80"),
    ("/\\127.0.0.1/", f"{PUBLIC}:80"),  # a path, whatever a browser makes of it
    ("http:127.0.0.1/", f"{PUBLIC}:80"),  # the old way to write a path
]
