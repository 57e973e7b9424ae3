"""Secrets that show by themselves what they are: the prefixes and forms that services give them.

Each has an anchor, plain letters that stand in every one of its kind: to look for those costs a
fraction of a pattern, and most texts have none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

HEX = "[0-9a-f]"
WORD = "[A-Za-z0-9_-]"


@dataclass(frozen=True)
class Shape:
    """One kind of secret; its patterns are made when its anchor is first met."""

    anchor: str
    form: str

    @cached_property
    def whole(self) -> re.Pattern[str]:
        """Finds it where nothing of a word stands before it, unless the form says more."""
        before = "" if self.form.startswith("(?") else "(?<![A-Za-z0-9])"
        return re.compile(before + self.form, re.DOTALL)

    @cached_property
    def body(self) -> re.Pattern[str]:
        """Finds it wherever it stands: in JSON a line feed ends in the letter n."""
        return re.compile(self.form, re.DOTALL)


def shaped(text: str) -> Iterator[Shape]:
    """The shapes that `text` has the anchors of."""
    return (shape for shape in SHAPES if shape.anchor in text)


_PRIVATE_KEY = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"

SHAPES = tuple(
    Shape(anchor, form)
    for anchor, form in (
        ("PRIVATE KEY", rf"-----BEGIN {_PRIVATE_KEY}.*?(?:-----END {_PRIVATE_KEY}|\Z)"),
        ("AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[A-Z0-9]{20,}"),
        # models
        ("sk-", r"sk-(?:ant|proj|or|svcacct|admin|lf)-[A-Za-z0-9_-]{16,}"),
        (
            "sk-",
            r"sk-(?:[A-Za-z0-9_]{20,}|(?=[A-Za-z_-]{0,99}\d)(?=[a-z0-9_-]{0,99}[A-Z])[\w-]{20,})",
        ),
        ("hf_", r"hf_[A-Za-z0-9]{20,}"),
        ("gsk_", r"gsk_[A-Za-z0-9]{30,}"),
        ("xai-", r"xai-[A-Za-z0-9]{40,}"),
        ("pplx-", r"pplx-[A-Za-z0-9]{30,}"),
        ("r8_", r"r8_[A-Za-z0-9]{30,}"),
        ("tvly-", rf"tvly-{WORD}{{16,}}"),
        # code
        ("gh", r"gh[pousr]_[A-Za-z0-9]{20,}"),
        ("github_pat_", r"github_pat_[A-Za-z0-9_]{20,}"),
        ("gl", r"gl(?:pat|dt|rt|cbt|ptt|soat|ft|agent|oas|imt)-[A-Za-z0-9_.-]{16,}"),
        ("npm_", r"npm_[A-Za-z0-9]{30,}"),
        ("pypi-", rf"pypi-{WORD}{{40,}}"),
        ("dckr_pat_", rf"dckr_pat_{WORD}{{20,}}"),
        ("PMAK-", r"PMAK-[a-f0-9]{20,}-[a-f0-9]{30,}"),
        ("rubygems_", r"rubygems_[a-f0-9]{40,}"),
        # clouds
        ("A", r"A(?:KIA|SIA)[A-Z0-9]{16,}"),
        ("AIza", rf"AIza{WORD}{{30,}}"),
        ("ya29.", rf"ya29\.{WORD}{{16,}}"),
        ("GOCSPX-", rf"GOCSPX-{WORD}{{20,}}"),
        ("_v1_", rf"do[opr]_v1_{HEX}{{40,}}"),
        ("Q~", r"[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}"),  # of an Azure application
        ("sig=", r"(?<=[?&;]sig=)[A-Za-z0-9%+/_-]{20,}=*"),  # signed access to Azure's storage
        ("Signature=", r"(?<=Signature=)[A-Za-z0-9%+/_-]{20,}=*"),  # and Amazon's and Google's
        ("dapi", rf"dapi{HEX}{{32,}}"),
        ("hv", rf"hv[sbr]\.{WORD}{{20,}}"),
        ("gl", rf"gl(?:sa|c)_{WORD}{{30,}}=*"),
        ("sntry", rf"sntry[su]_{WORD}{{30,}}"),
        ("lin_api_", r"lin_api_[A-Za-z0-9]{30,}"),
        ("ntn_", r"ntn_[A-Za-z0-9]{30,}"),
        # money
        ("k_", r"[rsp]k_(?:live|test)_[A-Za-z0-9]{10,}"),
        ("whsec_", r"whsec_[A-Za-z0-9+/=]{20,}"),
        ("shp", rf"shp(?:at|ca|pa|ss)_{HEX}{{32,}}"),
        ("sq0", rf"sq0(?:atp|csp)-{WORD}{{20,}}"),
        # messages
        ("xox", r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}"),
        ("xapp-", r"xapp-[A-Za-z0-9-]{10,}"),
        ("SG.", rf"SG\.{WORD}{{16,}}\.{WORD}{{16,}}"),
        ("xkeysib-", r"xkeysib-[A-Za-z0-9-]{30,}"),
        ("key-", rf"key-{HEX}{{32}}(?!{HEX})"),  # Mailgun
        ("SK", rf"SK{HEX}{{32}}(?![0-9A-Za-z])"),  # Twilio
        (":AA", rf"(?:\d{{8,10}}):AA{WORD}{{30,}}"),  # Telegram, also behind `/bot`
        (".", rf"[MNO][A-Za-z0-9_-]{{22,27}}\.{WORD}{{6}}\.{WORD}{{27,}}"),  # Discord
        ("/services/T", r"(?<=hooks\.slack\.com/services/)[A-Za-z0-9/_-]{10,}"),
        ("/webhooks/", rf"(?<=/webhooks/)\d{{15,21}}/{WORD}{{30,}}"),  # Discord
        ("webhook.office.com", r"(?<=webhook\.office\.com/)webhookb2/[A-Za-z0-9@/_-]{30,}"),
        # the topic is the password; these are its own pages
        ("ntfy.sh/", rf"(?<=://ntfy\.sh/)(?!docs|app\b|static|v1/|_){WORD}{{6,64}}"),
        ("tk_", r"tk_[a-z0-9]{29}(?![A-Za-z0-9])"),  # ntfy
        # a signed token, whoever gave it
        ("eyJ", rf"eyJ{WORD}{{8,1000}}\.{WORD}{{8,}}(?:\.{WORD}*)?"),
    )
)
