"""Reservations from text and data mining: `/.well-known/tdmrep.json` of a site.

After the TDM Reservation Protocol (W3C community group, final report of 10 May 2024). It lets headers and pages lift
what this file reserves; here nothing that any of them reserves is taken, as what is reserved is not even asked for.
"""

from __future__ import annotations

from typing import Any

from deblurbench.fetch.web.robots import Pattern
from deblurbench.files import parse_json

FILE = "/.well-known/tdmrep.json"

_MOST_BYTES = 500 << 10
_PROPERTY = "tdm-reservation"


class Reservations:
    """A tdmrep.json. The first rule that matches a path holds.

    What is no tdmrep.json (such as the page that some sites show for any address) reserves nothing, as the report says.
    What was meant as one, yet is damaged or goes on beyond 500 KiB, reserves the whole site: somebody wanted to reserve
    something, and we cannot tell what.

    Args:
        body: of any bytes.
    """

    def __init__(self, body: bytes) -> None:
        text = body[:_MOST_BYTES].decode("utf-8-sig", errors="replace").strip()
        try:
            content = parse_json(text)
        except ValueError:
            meant = text.startswith(("[", "{")) and _PROPERTY in text
            content = [{_PROPERTY: 1}] if meant else []
        rules = filter(None, map(_rule, content if isinstance(content, list) else [content]))
        self._rules = [(location, Pattern(location), reserved) for location, reserved in rules]

    def rule(self, target: str) -> str:
        """The location by which a path with its query is reserved; empty where it is not."""
        for location, pattern, reserved in self._rules:
            if pattern.matches(target):
                return location if reserved else ""
        return ""


def reserves(value: Any) -> bool | None:
    """What a value of `tdm-reservation` says; None where it is neither 1 nor 0, which means unset."""
    word = value.strip() if isinstance(value, str) else value
    if word in (1, "1"):  # and true, which people write for it
        return True
    return False if word in (0, "0") else None


def _rule(entry: Any) -> tuple[str, bool] | None:
    """(location, whether it is reserved); None of what is no rule. Without a location it holds for the whole site."""
    if not isinstance(entry, dict):
        return None
    reserved = reserves(entry.get(_PROPERTY))
    if reserved is None:
        return None
    location = entry.get("location")
    if not isinstance(location, str) or not location:
        return "/", reserved
    return location if location.startswith(("/", "*")) else f"/{location}", reserved
