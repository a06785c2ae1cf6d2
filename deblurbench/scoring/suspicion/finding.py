"""What a check found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SHOWN = 3
"""So many names stand in a message."""


@dataclass(frozen=True)
class Suspicion:
    """A sign of a mistake in how predictions were made, saved or paired.

    Attributes:
        kind: such as `channels-swapped`; docs/scoring.md lists all.
        seen: what was seen, and in how many pictures.
        cause: what usually makes it.
        advice: what to do.
        names: some of the pictures; empty where it is a matter of all.
    """

    kind: str
    seen: str
    cause: str
    advice: str
    names: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """All of it, for people, on one line."""
        return f"{self.seen}. Usual cause: {self.cause}. {self.advice}."

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"kind": self.kind, "message": self.message, "names": list(self.names)}


def such_as(names: Sequence[str], count: int) -> str:
    """` (a.png, b.png, c.png and 4 more)`, where there are `count`."""
    more = f" and {count - len(names)} more" if count > len(names) else ""
    return f" ({', '.join(names)}{more})"
