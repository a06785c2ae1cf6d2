"""What a site tells robots: its robots.txt (RFC 9309), and the directives of `X-Robots-Tag` and `<meta name=robots>`.

All of it is foreign text of any size and shape: it is cut, never turned into regular expressions, and costs time in
proportion to its length.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from protego import Protego

AGENT = "deblurbench"
"""Our name in robots.txt."""

MOST_BYTES = 500 << 10
"""Of a robots.txt, that count: what RFC 9309 asks to read."""

REFUSING = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none"})
"""The directives that keep a page or a file out of a dataset."""

_GROUP = re.compile(r"user[- ]?agent\s*(?::|\s|$)\s*(.*)", re.IGNORECASE)
_NAME = re.compile(r"\*(?=\s|$)|[A-Za-z_-]+")
_OF_THE_SITE = ("sitemap", "site-map", "host")  # lines that belong to no group
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ADDRESSED = re.compile(r"\s*([a-z_*][a-z0-9_.*/-]*)\s*:")
_OURS = frozenset({AGENT, "*", "robots"})
_WITH_VALUE = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})


class Robots:
    """A robots.txt, as far as it concerns us: the groups that name us or, without any, those for everybody.

    Args:
        body: of any bytes; what is no rule is passed over. Empty: all is allowed.
    """

    def __init__(self, body: bytes) -> None:
        groups = _groups(_text(body))
        self.group = AGENT if AGENT in groups else "*"
        self._lines = groups.get(self.group, [])
        # One group alone, since a file of 15,000 agents with 15,000 rules would take the parser 225 million.
        self._rules = Protego.parse("\n".join(["User-agent: *", *self._lines]))

    @property
    def delay(self) -> float:
        """Seconds between requests, as `Crawl-delay` asks for; 0 where it does not."""
        return self._rules.crawl_delay(AGENT) or 0.0

    def allows(self, target: str) -> bool:
        """Whether a path with its query may be asked for. The longest rule decides; robots.txt itself always may."""
        return self._rules.can_fetch(f"https://site{target}", AGENT)

    def rule(self, target: str) -> str:
        """The rule that forbids it, for people; empty where it cannot be told."""
        rules = (line.partition(":") for line in self._lines)
        values = (value.strip() for name, _, value in rules if name[:1] in ("D", "d"))
        return max((value for value in values if value and Pattern(value).matches(target)), key=len, default="")


def _text(body: bytes) -> str:
    """The lines that count: those that are whole within the limit."""
    if len(body) >= MOST_BYTES:
        body = body[:MOST_BYTES]
        body = body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]  # half an `Allow: /x` would allow all
    return body.decode("utf-8-sig", errors="replace")


def _groups(text: str) -> dict[str, list[str]]:
    """The rules of the groups that concern us: our name or `*` -> lines. Groups of the same name are one."""
    groups: dict[str, list[str]] = {}
    named: set[str] = set()
    in_names = False
    for line in text.splitlines():
        rule = line.partition("#")[0].strip()
        if not rule or rule.lower().startswith(_OF_THE_SITE):
            continue
        if group := _GROUP.match(rule):
            named = named if in_names else set()
            in_names = True
            name = _NAME.match(group[1])
            if name and name[0].lower() in (AGENT, "*"):
                named.add(name[0].lower())
                groups.setdefault(name[0].lower(), [])
        else:
            in_names = False
            for known in named:
                groups[known].append(rule)
    return groups


def target_of(url: str) -> str:
    """The path and query of a URL as servers understand them: `%41` is `A`, and `/a/../b` is `/b`.

    Raises: ValueError where it is no URL.
    """
    parts = urlsplit(url)
    return _without_dots(_plain(parts.path)) + (f"?{_plain(parts.query)}" if parts.query else "")


def merged(target: str) -> str:
    """What `target_of` gives, as many servers read it, for whom `//` and `%2F` are `/` (for RFC 9309 they are not)."""
    path, question, query = target.partition("?")
    return _without_dots(re.sub("(?:/|%2F)+", "/", path)) + question + query


def _without_dots(path: str) -> str:
    """A path from its `/` on, without its steps `.` and `..`."""
    first, *steps = path.removeprefix("/").split("/")
    kept: list[str] = []
    for step in (first, *steps):
        if step == "..":
            del kept[-1:]
        elif step != ".":
            kept.append(step)
    if (steps or [first])[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


class Pattern:
    """A pattern of robots.txt or tdmrep.json: the start of a path with its query.

    `*` stands for any characters, `$` at the end for the end (RFC 9309, section 2.2.3).
    """

    def __init__(self, text: str) -> None:
        self._whole = text.endswith("$")
        self._first, *others = map(_plain, text.removesuffix("$").split("*"))
        self._inner, self._last = [part for part in others[:-1] if part], others[-1] if others else None

    def matches(self, target: str) -> bool:
        """Whether it matches what `target_of` gives."""
        if self._last is None:
            return target == self._first if self._whole else target.startswith(self._first)
        if not target.startswith(self._first):
            return False
        at = len(self._first)
        for part in self._inner:  # the leftmost place of each leaves most room for the others
            found = target.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        return target[at:].endswith(self._last) if self._whole else target.find(self._last, at) >= 0


def _plain(text: str) -> str:
    """One spelling of the same path: what needs no escape has none, and what needs one (also `*`, `$`) has it."""

    def one(escape: re.Match[str]) -> str:
        character = chr(int(escape[0][1:], 16))
        return character if character in _UNRESERVED else escape[0].upper()

    return quote(re.sub("%[0-9A-Fa-f]{2}", one, text), safe="%/:?#[]@!&'()+,;=", errors="replace")


def refusal(directives: str, *, one_line: bool = True) -> str:
    """The first directive that refuses us; empty where none does.

    `otherbot: noai` concerns another; `deblurbench: noai` and `noai` concern us.

    Args:
        directives: with commas between them.
        one_line: whether they were one header line, in which a name holds for all that follow it. Where several lines
            may have been joined with commas, it holds for its neighbour alone, so that none of ours is missed.
    """
    ours = True
    for piece in re.split("[,;]", directives.lower()):
        here, text = ours, piece
        addressed = _ADDRESSED.match(piece)
        if addressed and addressed[1] not in _WITH_VALUE | REFUSING:
            here = addressed[1].partition("/")[0] in _OURS
            ours = here or not one_line
            text = piece[addressed.end() :]
        if here and text.partition(":")[0].strip() not in _WITH_VALUE:
            for word in re.findall("[a-z0-9_-]+", text):
                if word in REFUSING:
                    return word
    return ""
