"""Signs of mistakes, counted over all pictures, and the suspicions that they give rise to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from deblurbench.scoring.suspicion.seen import Seen

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


@dataclass(frozen=True)
class Sign:
    """Something to be seen in one picture.

    Attributes:
        test: True where the picture shows it, None where it cannot tell.
        share: a suspicion needs this share of the pictures that can tell, and two of them where there are two.
        kind, seen, cause, advice: as in Suspicion; `seen` goes on after "3 of 20 ".
    """

    kind: str
    test: Callable[[Seen], bool | None]
    share: float
    seen: str
    cause: str
    advice: str


@dataclass
class Tally:
    """How many pictures could tell, and the names of those that showed the sign."""

    asked: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str, answer: bool | None) -> None:
        """One picture's answer."""
        self.asked += answer is not None
        if answer:
            self.names.append(name)

    def judge(self, sign: Sign) -> Suspicion | None:
        """The suspicion, if enough pictures show the sign."""
        if len(self.names) < max(min(2, self.asked), 1, sign.share * self.asked):
            return None
        first = sorted(self.names)[:SHOWN]
        what = f"{len(self.names)} of {self.asked} {sign.seen}{such_as(first, len(self.names))}"
        return Suspicion(sign.kind, what, sign.cause, sign.advice, tuple(first))
