"""How fast training goes, and how much of its time it waits for crops."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SECONDS_REMEMBERED = 5.0  # by the figures beside the progress bar


class Meter:
    """Measures the training part of one epoch.

        meter = Meter()
        for each batch:
            with meter.waiting():
                batch = next(batches)
            ... the step ...
            meter.step(len(batch.blur))
        meter.end()

    What counts as waiting is the time inside `waiting`, of the process that gives out the work. A GPU works
    asynchronously: it is still busy with earlier steps while this process waits, so there the share says how much
    waiting there was at most. Likewise a step counts when it is given out, not when the device is done with it; the
    device's queue is short, so that evens out over an epoch if `end` is called after a value was read back from it.

    Attributes:
        crops: of the epoch so far.
        waited: seconds of it that were spent waiting.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        crops: int = 0,
        seconds: float = 0.0,
        waited: float = 0.0,
    ) -> None:
        """`clock`: seconds, which never go back; `crops`, `seconds`, `waited`: of the epoch's part before a pause."""
        self._clock = clock
        self.crops, self.waited = crops, waited
        self._step_waited = 0.0
        self._recent_crops = self._recent_seconds = self._recent_waited = 0.0
        self._last = clock()
        self._begin = self._last - seconds

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Put this around what gets the next batch."""
        begin = self._clock()
        try:
            yield
        finally:
            waited = self._clock() - begin
            self.waited += waited
            self._step_waited += waited

    def step(self, count: int) -> None:
        """A step of `count` crops is done."""
        now = self._clock()
        seconds = now - self._last
        stays = math.exp(-seconds / _SECONDS_REMEMBERED)
        self._recent_crops = stays * self._recent_crops + count
        self._recent_seconds = stays * self._recent_seconds + seconds
        self._recent_waited = stays * self._recent_waited + self._step_waited
        self._last, self._step_waited = now, 0.0
        self.crops += count

    def end(self) -> None:
        """The epoch's steps are done, on the device too; what follows, such as validation, does not count."""
        self._last = self._clock()

    @property
    def seconds(self) -> float:
        """From the start of the epoch to its last step, or to its end."""
        return self._last - self._begin

    @property
    def crops_per_second(self) -> float:
        """Over the epoch; 0 before its first step."""
        return self.crops / self.seconds if self.seconds > 0 else 0.0

    @property
    def data_wait(self) -> float:
        """The share of the epoch's time that was spent waiting, 0 .. 1."""
        return min(1.0, self.waited / self.seconds) if self.seconds > 0 else 0.0

    def note(self) -> str:
        """Of about the last five seconds, for the progress bar: `812 crops/s, waits 1 %`."""
        if self._recent_seconds <= 0:
            return ""
        rate, share = self._recent_crops / self._recent_seconds, self._recent_waited / self._recent_seconds
        return f"{rate:.{0 if rate >= 10 else 1}f} crops/s, waits {100 * min(1.0, share):.0f} %"
