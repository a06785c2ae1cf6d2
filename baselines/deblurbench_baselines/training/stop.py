"""When training has to stop before it is finished: its time is up, or somebody asks for it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Says when to stop. `interrupted`: whether a signal asked for it."""

    def __init__(self, minutes: float | None) -> None:
        self._end = None if minutes is None else time.monotonic() + 60 * minutes
        self.interrupted = False

    @property
    def due(self) -> bool:
        """Whether it is time."""
        return self.interrupted or (self._end is not None and time.monotonic() >= self._end)

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Take SIGINT (Ctrl-C) and SIGTERM (what a cluster sends before it kills) as the wish to stop after this step.

        A second one ends the process as usual.
        """
        if threading.current_thread() is not threading.main_thread():  # Python lets only that one set handlers
            yield
            return
        wanted = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.getsignal(number) for number in wanted}

        def ask(number: int, _: FrameType | None) -> None:
            self.interrupted = True
            signal.signal(number, before[signal.Signals(number)] or signal.SIG_DFL)

        for number in wanted:
            signal.signal(number, ask)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler or signal.SIG_DFL)
