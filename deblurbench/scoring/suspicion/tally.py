"""Signs that a single picture shows or does not show, counted over all pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from deblurbench.scoring.suspicion.finding import SHOWN, Suspicion, such_as
from deblurbench.scoring.suspicion.seen import Seen


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
    """How many pictures could tell, how many showed the sign, and the first names of these."""

    asked: int = 0
    shown: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str, answer: bool | None) -> None:
        """One picture's answer."""
        self.asked += answer is not None
        if answer:
            self.shown += 1
            self.names = sorted([*self.names, name])[:SHOWN]

    def judge(self, sign: Sign) -> Suspicion | None:
        """The suspicion, if enough pictures show the sign."""
        if self.shown < max(min(2, self.asked), 1, sign.share * self.asked):
            return None
        what = f"{self.shown} of {self.asked} {sign.seen}{such_as(self.names, self.shown)}"
        return Suspicion(sign.kind, what, sign.cause, sign.advice, tuple(self.names))
