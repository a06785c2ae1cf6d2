"""The `srcset` attribute: several files of one picture, each with how large it is."""

from __future__ import annotations

import re
from typing import NamedTuple

_SPACES = " \t\n\f\r"
_BEFORE = re.compile(f"[{_SPACES},]*+")
_URL = re.compile(f"[^{_SPACES}]++")
_DESCRIPTORS = re.compile(r"(?:[^,(]++|\([^)]*+\)?)*+")  # up to a comma that is not in parentheses
_WHOLE = re.compile(r"[0-9]{1,9}")
_NUMBER = re.compile(r"-?(?:[0-9]{1,9}(?:\.[0-9]{1,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,2})?")


class Candidate(NamedTuple):
    """One file. `url`: as written; `width`: in pixels, 0 where not stated; `density`: 1.0 where not stated."""

    url: str
    width: int = 0
    density: float = 1.0


def parse_srcset(text: str) -> list[Candidate]:
    """The candidates of a `srcset`, in its order; those with descriptors that make no sense are left out.

    Source: HTML standard, 4.8.4.3.8 "Parsing a srcset attribute". Commas may stand in addresses (not at their end), and
    in parentheses, which are kept for descriptors to come.
    """
    candidates = []
    place = _end(_BEFORE, text, 0)
    while place < len(text):
        end = _end(_URL, text, place)
        url, place = text[place:end], end
        descriptors = ""
        if url.endswith(","):
            url = url.rstrip(",")
        else:
            place = _end(_DESCRIPTORS, text, place)
            descriptors = text[end:place]
        candidate = _candidate(url, descriptors)
        if candidate:
            candidates.append(candidate)
        place = _end(_BEFORE, text, place)
    return candidates


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    match = pattern.match(text, place)
    return match.end() if match else place


def _candidate(url: str, descriptors: str) -> Candidate | None:
    """None where a descriptor is unknown, occurs twice, or goes with none of the others."""
    found: dict[str, str] = {}
    for word in descriptors.strip(_SPACES).split():
        value, unit = word[:-1], word[-1]
        if unit in found or not (_NUMBER if unit == "x" else _WHOLE).fullmatch(value):
            return None
        found[unit] = value
    if not found.keys() <= {"w", "h", "x"} or ("x" in found and len(found) > 1) or ("h" in found and "w" not in found):
        return None
    width, density = int(found.get("w", 1)), float(found.get("x", 1))
    if width < 1 or density < 0 or int(found.get("h", 1)) < 1:
        return None
    return Candidate(url, width if "w" in found else 0, density)
