"""Progress: a bar with rate and time left on a terminal, plain lines elsewhere, nothing when quiet."""

import io
import re
import sys

from deblurbench import progress as module
from deblurbench.progress import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(monkeypatch, stream, **options):
    monkeypatch.setattr(sys, "stderr", stream)
    with progress("build", 4, "pairs", **options) as bar:
        for i in range(4):
            bar.step()
            bar.note(f"loss {i}")
    return stream.getvalue()


def test_a_terminal_gets_a_bar(monkeypatch):
    shown = run(monkeypatch, Terminal())
    assert "build: 100%" in shown
    assert re.search(r"4/4 \[\d\d:\d\d<\d\d:\d\d, .*pairs/s, loss", shown)


def test_a_log_gets_plain_lines_with_rate_and_time_left(monkeypatch):
    clock = iter(range(0, 1000, 15))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    lines = run(monkeypatch, io.StringIO()).splitlines()
    assert re.fullmatch(r"build: 1/4 pairs, 0\.0/s, \d+ s left", lines[0])
    assert re.fullmatch(r"build: 4/4 pairs, 0\.0/s, loss 3", lines[-1])


def test_quiet_is_quiet(monkeypatch):
    assert run(monkeypatch, io.StringIO(), quiet=True) == ""
