"""The observer of a scoring run that notices what is probably a mistake."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from deblurbench.errors import PictureError
from deblurbench.files import sha256_text
from deblurbench.scoring.pictures.reading import Opened
from deblurbench.scoring.suspicion import copies, order, place, resampled, rounding, samples, tone
from deblurbench.scoring.suspicion.finding import Suspicion, Tally
from deblurbench.scoring.suspicion.seen import Seen, look_at

Record = TypeVar("Record")

CLOSELY = 16
"""So many pictures are looked at closely."""

SIGNS = (*samples.SIGNS, *copies.SIGNS)
_GROSS = {"almost-black", "floats-to-255", "channels-swapped", "order"}
"""Where one of these is found, what the closer look finds follows from it."""


@dataclass(frozen=True)
class _Closely:
    """What the closer look at one pair measured."""

    tone: tone.Tone
    bias: float | None
    place: place.Place | None
    traces: resampled.Traces | None


class Suspicions:
    """Give it to `score_pairing(..., observer=Suspicions())`, and ask for `warnings()` when the run has ended.

    Every pair is looked at on a grid of rows, 16 pairs closely; little is kept of any. Threads may share it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._tallies = {sign.kind: Tally() for sign in SIGNS}
        self._order = order.Order()
        self._sample: Sample[_Closely] = Sample(CLOSELY)

    def __call__(self, name: str, prediction: Opened, sharp: Opened, blur: Opened | None) -> None:
        """One scored pair; what no reader of 8-bit pictures knows is passed over."""
        try:
            seen = look_at(name, prediction, sharp, blur)
        except PictureError:
            return
        if seen is not None:
            self._add(seen)

    def _add(self, seen: Seen) -> None:
        answers = {sign.kind: sign.test(seen) for sign in SIGNS}
        with self._lock:
            wanted = self._sample.wants(seen.name)
        closely = _look_closely(seen) if wanted else None
        with self._lock:
            for kind, answer in answers.items():
                self._tallies[kind].add(seen.name, answer)
            self._order.add(seen.name, seen)
            if closely:
                self._sample.add(seen.name, closely)

    def nearer_blur(self) -> list[str]:
        """The names of all predictions that are nearer to the blurred picture than to the sharp one."""
        with self._lock:
            return sorted(self._tallies["nearer-blur"].names)

    def warnings(self) -> list[Suspicion]:
        """What was found, the grossest first."""
        with self._lock:
            tallied = [self._tallies[sign.kind].judge(sign) for sign in SIGNS]
            found = [suspicion for suspicion in tallied if suspicion] + self._order.judge()
            if _GROSS.isdisjoint(suspicion.kind for suspicion in found):
                found += _judge(self._sample.records())
        return found


def _look_closely(seen: Seen) -> _Closely:
    return _Closely(tone.measure(seen), rounding.measure(seen), place.measure(seen), resampled.measure(seen))


def _judge(records: list[_Closely]) -> list[Suspicion]:
    return [
        *tone.judge([record.tone for record in records]),
        *rounding.judge([record.bias for record in records]),
        *place.judge([record.place for record in records]),
        *resampled.judge([record.traces for record in records]),
    ]


class Sample(Generic[Record]):
    """The records of `size` pictures drawn from all.

    They are those whose names hash lowest, so that neither the number of pictures need be known before, nor the
    order in which threads bring them matters, and a sample is not all of one scene. Of n pictures about
    size (1 + ln(n / size)) are wanted on the way.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: dict[str, Record] = {}

    def wants(self, name: str) -> bool:
        """Whether the picture belongs to the sample, by all that is known so far."""
        return len(self._kept) < self._size or sha256_text(name) < max(self._kept)

    def add(self, name: str, record: Record) -> None:
        """Keep the record, unless the sample is full of lower ones."""
        self._kept[sha256_text(name)] = record
        if len(self._kept) > self._size:
            del self._kept[max(self._kept)]

    def records(self) -> list[Record]:
        """In the order of the hashes."""
        return [self._kept[key] for key in sorted(self._kept)]
