"""One way to show that long work goes on: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from tqdm import tqdm

from deblurbench.errors import one_line

_PLAIN_SECONDS = 10.0  # at most one plain line in this time, so that a log stays readable
_bars: list[tqdm[None]] = []  # on the terminal now


class Progress(Protocol):
    """What `progress` gives to the work that goes on."""

    def step(self, count: int = 1) -> None:
        """`count` more items are done."""

    def note(self, text: str) -> None:
        """Show text beside the bar, at once, or in the next plain line."""

    def figures(self, text: str) -> None:
        """Show figures that change all the time after the note, whenever the bar is drawn anyway."""


@contextmanager
def progress(label: str, total: int, unit: str, *, quiet: bool = False, done: int = 0) -> Iterator[Progress]:
    """Show progress of `total` items on stderr, `done` of which were there before."""
    if quiet:
        yield _Silent()
    elif sys.stderr.isatty():
        with tqdm(desc=label, total=total, unit=f" {unit}", initial=done, dynamic_ncols=True, leave=True) as bar:
            _bars.append(bar)
            try:
                yield _Bar(bar)
            finally:
                _bars.remove(bar)
    else:
        lines = _Lines(label, total, unit, done)
        yield lines
        lines.finish()


def say(text: str, *, quiet: bool = False) -> None:
    """One line for the person at the terminal: to stderr, since stdout is for results. It stands above a bar."""
    if quiet:
        return
    if _bars:
        tqdm.write(one_line(text), file=sys.stderr)
    else:
        print(one_line(text), file=sys.stderr, flush=True)


class _Silent:
    def step(self, count: int = 1) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def figures(self, text: str) -> None:
        pass


class _Bar:
    def __init__(self, bar: tqdm[None]) -> None:
        self._bar = bar
        self._note = self._figures = ""

    def step(self, count: int = 1) -> None:
        self._bar.update(count)

    def note(self, text: str) -> None:
        self._note = text
        self._show(at_once=True)

    def figures(self, text: str) -> None:
        self._figures = text
        self._show(at_once=False)

    def _show(self, *, at_once: bool) -> None:
        self._bar.set_postfix_str(", ".join(filter(None, (self._note, self._figures))), refresh=at_once)


class _Lines:
    def __init__(self, label: str, total: int, unit: str, done: int) -> None:
        self._label, self._total, self._unit = label, total, unit
        self._first = self._done = done
        self._start = self._last = time.monotonic()
        self._note = self._figures = ""

    def step(self, count: int = 1) -> None:
        self._done += count
        if time.monotonic() - self._last >= _PLAIN_SECONDS and self._done < self._total:
            self._print()

    def note(self, text: str) -> None:
        self._note = text

    def figures(self, text: str) -> None:
        self._figures = text

    def finish(self) -> None:
        self._print(ended=True)

    def _print(self, *, ended: bool = False) -> None:
        self._last = time.monotonic()
        rate = (self._done - self._first) / max(self._last - self._start, 1e-9)
        left = (
            f", {(self._total - self._done) / rate:.0f} s left"
            if rate > 0 and self._done < self._total and not ended
            else ""
        )
        beside = "".join(f", {text}" for text in (self._note, self._figures) if text)
        say(f"{self._label}: {self._done}/{self._total} {self._unit}, {rate:.1f}/s{left}{beside}")
