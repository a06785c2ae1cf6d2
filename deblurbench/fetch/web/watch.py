"""Ends what takes too long, and everything once the work is stopped.

A timeout of a socket starts anew with every byte, so a server that drips could keep us for days; and nobody who waits
in a socket sees a stop. So one thread looks at all that is under way and cuts the lines that are due.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from deblurbench.fetch.web.hosts import Stopped

_GLANCE = 0.1  # seconds between two looks


class Exchange:
    """One request and its answer, from the first attempt to connect to the last byte.

    Attributes:
        deadline: when it is cut.
        is_cut: it has been.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.is_cut = False
        self._lock = threading.Lock()
        self._line: socket.socket | None = None

    def hold(self, line: socket.socket) -> None:
        """This socket carries it from now on. Raises TimeoutError where it is cut already."""
        # A descriptor of our own: TLS takes the socket away, and an answer outlives its connection.
        ours = socket.fromfd(line.fileno(), line.family, line.type)
        with self._lock:
            before, self._line = self._line, ours
            if before is not None:
                before.close()
        if self.is_cut:
            raise TimeoutError

    def cut(self) -> None:
        """Whoever waits in the socket comes out, as if the other side had gone."""
        with self._lock:
            self.is_cut = True
            if self._line is not None:
                with suppress(OSError):  # it may have gone already
                    self._line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """It has ended; the line may serve others."""
        with self._lock:
            if self._line is not None:
                self._line.close()
                self._line = None


class Watch:
    """Looks after all exchanges of a client. Thread-safe.

    Args:
        seconds: for each.
        stop: cuts them all, now and from then on.
        clock: seconds; never goes back.
    """

    def __init__(self, seconds: float, stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._stop, self._clock = seconds, stop, clock
        self._lock = threading.Lock()
        self._exchanges: set[Exchange] = set()
        self._own = threading.local()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def exchange(self) -> Iterator[Exchange]:
        """An exchange of this thread, whose lines `hold` reports. Raises Stopped where the work is stopped already."""
        exchange = self._own.exchange = Exchange(self._clock() + self._seconds)
        with self._lock:
            self._exchanges.add(exchange)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
                self._thread.start()
        try:
            self._check_stop()
            yield exchange
        finally:
            with self._lock:
                self._exchanges.discard(exchange)
            exchange.close()
            self._own.exchange = None

    def hold(self, line: socket.socket) -> None:
        """A socket that this thread's exchange uses. Raises TimeoutError where that is cut already."""
        exchange = getattr(self._own, "exchange", None)
        if exchange is not None:
            exchange.hold(line)

    def close(self) -> None:
        """End the thread."""
        self._closed.set()

    def _check_stop(self) -> None:
        if self._stop.is_set():
            raise Stopped

    def _run(self) -> None:
        while not self._closed.is_set():
            stopped = self._stop.is_set()
            now = self._clock()
            with self._lock:
                due = [exchange for exchange in self._exchanges if stopped or exchange.deadline <= now]
            for exchange in due:
                exchange.cut()
            if stopped:
                self._closed.wait(_GLANCE)
            else:
                self._stop.wait(_GLANCE)
