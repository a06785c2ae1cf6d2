"""Licences as people write them, sorted into a few classes: what `--licence cc0,by` and the cards go by.

A class says what a licence asks for, not which version it is: `CC BY 2.0` and `CC-BY-4.0` are both `by`. The public
domain mark (`pdm`) is a class of its own: CC0 is a waiver by the author, the mark is a statement by somebody about an
old or official work, so a filter for `cc0` alone does not let it in; `cc0,pdm` does. The text itself, version
included, stays in the manifest and in ATTRIBUTION.md.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from deblurbench.errors import UsageError, nearest

CC0, PDM, OTHER, UNKNOWN = "cc0", "pdm", "other", "unknown"
CLASSES = (CC0, PDM, "by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd", OTHER, UNKNOWN)

_CC = "https://creativecommons.org"
# What nobody has said: the whole text, or how it begins.
_UNSTATED = re.compile(r"(n/?a|none|null|no licen[cs]e|\?|-)?|(unknown|unstated|not stated)\b.*", re.DOTALL)
_NEGATED = re.compile(r"\bnot\b")
_END = r"(?![a-z0-9])"
_VERSION = r"(?:[\s/-]*(?:v|version)?[\s-]*(?P<version>[1-4]\.[05])(?![0-9]))?"
_SHORT = r"by(?P<parts>(?:[\s-]*(?:nc|sa|nd))*)" + _END + _VERSION
_NAMES = (
    # A URL, `CC BY-SA 4.0`, `by-sa 4.0` (the whole text) and `Attribution-ShareAlike 4.0`.
    re.compile(r"creativecommons\.org/licenses/" + _SHORT),
    re.compile(r"(?<![a-z0-9])(?:cc|creative commons)[\s-]*" + _SHORT),
    re.compile(r"\A" + _SHORT + r"\Z"),
    re.compile(
        r"(?P<cc>creative commons\s*)?(?<![a-z])attribution"
        r"(?P<parts>(?:[\s-]*(?:non[\s-]?commercial|share[\s-]?alike|no[\s-]?deriv(?:ative)?s))*)" + _END + _VERSION
    ),
)
_CC0 = re.compile(r"(?<![a-z0-9])cc[\s-]*(0|zero)(?![0-9])|publicdomain/zero|creative commons zero")
_MARK = re.compile(r"publicdomain/mark|public domain mark|(?<![a-z0-9])(cc[\s-]*)?pdm" + _END)
_PUBLIC_DOMAIN = re.compile(r"(?<![a-z0-9])(public[\s-]*domain|pd)" + _END)
# The licence ids that the Hugging Face Hub lists, as far as they are Creative Commons ones.
_HUGGING_FACE = {
    "by": ("2.0", "2.5", "3.0", "4.0"),
    "by-sa": ("3.0", "4.0"),
    "by-nd": ("4.0",),
    "by-nc": ("2.0", "3.0", "4.0"),
    "by-nc-sa": ("2.0", "3.0", "4.0"),
    "by-nc-nd": ("3.0", "4.0"),
}


class Licence(NamedTuple):
    """One of `CLASSES`, and the Creative Commons version, empty where none is named."""

    kind: str
    version: str = ""

    @property
    def name(self) -> str:
        """What people call it, such as `CC BY 4.0`."""
        words = {CC0: "CC0", PDM: "public domain", OTHER: "other", UNKNOWN: "not stated"}
        return f"{words.get(self.kind, f'CC {self.kind.upper()}')} {self.version if self.kind != PDM else ''}".strip()

    @property
    def url(self) -> str:
        """Its address, where it is a Creative Commons licence of a stated version or their public domain mark."""
        if self.kind in (CC0, PDM):
            return f"{_CC}/publicdomain/{'zero' if self.kind == CC0 else 'mark'}/1.0/" if self.version else ""
        return f"{_CC}/licenses/{self.kind}/{self.version}/" if self.version else ""

    @property
    def hugging_face(self) -> str:
        """Its id on the Hugging Face Hub; `other` or `unknown` where the Hub has none, as for the public domain."""
        if self.kind in (CC0, UNKNOWN):
            return "cc0-1.0" if self.kind == CC0 else UNKNOWN
        known = self.version in _HUGGING_FACE.get(self.kind, ())
        return f"cc-{self.kind}-{self.version}" if known else OTHER


def read_licence(text: str) -> Licence:
    """What a licence's text says; any text at all is taken.

    `other` is a licence of another kind, or several that differ; `unknown` is none that is stated.

    Args:
        text: a name, an SPDX id or a URL, such as `CC0-1.0`, `CC BY 4.0` or
            `https://creativecommons.org/licenses/by/2.0/`.
    """
    text = " ".join(text.lower().replace("_", "-").split())
    if _UNSTATED.fullmatch(text):
        return Licence(UNKNOWN)
    if _NEGATED.search(text):
        return Licence(OTHER)
    found = [_name(match) for pattern in _NAMES for match in pattern.finditer(text)]
    kinds = {licence.kind for licence in found if licence} | ({CC0} if _CC0.search(text) else set())
    if len(kinds) > 1:
        return Licence(OTHER)
    if kinds:
        versions = {licence.version for licence in found if licence and licence.version}
        return Licence(kinds.pop(), "1.0" if not any(found) else versions.pop() if len(versions) == 1 else "")
    if _MARK.search(text):
        return Licence(PDM, "1.0")
    return Licence(PDM if _PUBLIC_DOMAIN.search(text) else OTHER)


def licence_class(text: str) -> str:
    """Which of `CLASSES` a licence's text belongs to; see `read_licence`."""
    return read_licence(text).kind


def parse_filter(text: str) -> frozenset[str]:
    """The classes that a filter such as `cc0,by` lets in. Raises UsageError for an unknown class or an empty filter."""
    names = [name.strip().lower().removeprefix("cc-") for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError("the licence filter is empty", f"name one or more of {', '.join(CLASSES)}")
    for name in names:
        if name not in CLASSES:
            raise UsageError(f"unknown licence class {name!r}", nearest(name, CLASSES))
    return frozenset(names)


def _name(match: re.Match[str]) -> Licence | None:
    """The licence that a name found in a text stands for; None where it is the mere word `attribution`."""
    found = match.groupdict()
    version = found["version"] or ""
    if "cc" in found and not (found["cc"] or found["parts"] or version):
        return None
    parts = found["parts"]
    asked = [
        part for part, words in (("nc", "nc|non"), ("sa", "sa|share"), ("nd", "nd|deriv")) if re.search(words, parts)
    ]
    kind = "-".join(["by", *asked])
    return Licence(kind, version) if kind in CLASSES else Licence(OTHER)
