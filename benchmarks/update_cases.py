"""Cases of facts that changed, and of pairs that only look so, made by rule.

The templates are in benchmarks/update_cases.yaml.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

PEOPLE = (
    *(
        "Ada",
        "Bruno",
        "Chiara",
        "Dmitri",
        "Elif",
        "Farid",
        "Greta",
        "Hiro",
        "Ines",
        "Jonas",
        "Kira",
    ),
    *("Lars", "Mona", "Nadia", "Olaf", "Petra", "Quentin", "Rosa", "Sven", "Tilda", "Umar", "Vera"),
    *("Wanda", "Xenia", "Yusuf", "Zita", "Anton", "Birgit", "Carlo", "Doris", "Emil", "Frida"),
)
CITIES = ("Lisbon", "Hamburg", "Oslo", "Turin", "Ghent", "Porto", "Graz", "Lyon", "Malmo", "Cork")
FIRMS = ("Siemens", "Acme", "Initech", "Globex", "Hooli", "Umbrella", "Stark", "Wayne", "Tyrell")
SYSTEMS = (
    *("staging", "billing", "search", "archive", "gateway", "mail", "wiki", "metrics", "invoice"),
    *("catalogue", "payroll", "inventory", "support", "upload", "thumbnail", "translation"),
)
TOOLS = ("Vim", "Emacs", "Postgres", "MySQL", "Redis", "Kafka", "Nginx", "Caddy", "Terraform")
DRINKS = ("tea", "coffee", "juice", "cocoa", "water", "milk")
TIMES = ("06:15", "07:30", "09:00", "10:45", "14:00", "16:20", "18:30", "22:00", "23:45")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FOODS = ("meat", "fish", "cheese", "nuts", "eggs", "bread")
COLOURS = ("red", "green", "blue", "grey", "orange", "white")


@dataclass(frozen=True)
class Template:
    """An older and a newer note, in which fields stand for values; and a question about them."""

    old: str
    new: str
    ask: str
    update: bool  # whether the newer one makes the older one untrue


@dataclass(frozen=True)
class Case:
    """Two notes and a question; `update` says whether the newer supersedes the older."""

    old: str
    new: str
    ask: str
    update: bool


def templates(half: str) -> list[Template]:
    """Those of `tuned` or of `held`; what is below `no update` only looks like one."""
    with (Path(__file__).parent / "update_cases.yaml").open(encoding="utf-8") as file:
        groups = YAML(typ="safe", pure=True).load(file)[half]
    return [
        Template(**texts, update=group != "no update")
        for group, rows in groups.items()
        for texts in rows
    ]


def cases(half: str, each: int, seed: int) -> Iterator[list[Case]]:
    """`each` rounds of a case of every template, with values drawn at random and in any order; the
    same for the same seed."""
    source = random.Random(seed)
    known = templates(half)
    for _ in range(each):
        yield [case_of(template, values(source)) for template in source.sample(known, len(known))]


def case_of(template: Template, said: Mapping[str, str]) -> Case:
    old, new, ask = (text.format_map(said) for text in (template.old, template.new, template.ask))
    return Case(old, new, ask, template.update)


def values(source: random.Random) -> dict[str, str]:
    """A value for each field; those with a number differ from each other."""
    who, other1, other2 = source.sample(PEOPLE, 3)
    low, high = source.sample(range(2, 9), 2)
    pairs = {
        "city": CITIES, "firm": FIRMS, "tool": TOOLS, "drink": DRINKS, "food": FOODS,
        "colour": COLOURS, "day": DAYS, "t": TIMES,
    }  # fmt: skip
    drawn = {
        f"{name}{number}": value
        for name, known in pairs.items()
        for number, value in enumerate(source.sample(known, 2), start=1)
    }
    one, two = source.sample(range(100, 9000), 2)
    return drawn | {
        "who": who,
        "other1": other1,
        "other2": other2,
        "sys": source.choice(SYSTEMS),
        "n1": str(one),
        "n2": str(two),
        "k1": str(low),
        "k2": str(high),
        "ip1": f"10.0.{low}.{one % 250}",
        "ip2": f"10.1.{high}.{two % 250}",
        "v1": f"{low}.{one % 20}",
        "v2": f"{high}.{two % 20}",
    }
