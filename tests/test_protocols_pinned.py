"""Values of our own on pictures that the project draws, and what every installed protocol must say of itself.

`pinned_scores.csv` was written by `python tests/test_protocols_pinned.py` with the engine `plain`; the values of
protocols never change, so a difference is a mistake or another version of a protocol.
"""

import csv
import re
from dataclasses import fields
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from deblurbench import plugins
from deblurbench.scoring.metrics import fused, plain
from deblurbench.scoring.pictures.reading import Opened, Reading
from deblurbench.scoring.protocol import Recipe, find_protocol
from deblurbench.scoring.selection import select
from deblurbench.sources.deadleaves import draw

FILE = Path(__file__).with_name("pinned_scores.csv")
FAST = select(["all"]).protocols


def blurred(picture):
    """The mean of 3 x 3, in integers, wrapped around."""
    moved = (np.roll(picture.astype(int), (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1))
    return (sum(moved) // 9).astype(np.uint8)


@cache
def pairs():
    """Pictures from integers alone, the same on every machine, by what is odd about them."""
    odd, large, noisy = draw(5, 0, 67, 101), draw(5, 1, 400, 386), draw(5, 2, 40, 52)
    grey, dark = np.repeat(odd[..., :1], 3, axis=2), (odd > 100).astype(np.uint8)
    steps = (np.arange(noisy.size).reshape(noisy.shape) * 7919 % 11).astype(np.uint8)
    floats = (blurred(odd).astype(np.float32) - np.float32(8)) / np.float32(224)
    return {
        "odd size": (blurred(odd), odd),
        "large": (blurred(large), large),
        "noisy": (np.minimum(noisy, 244) + steps, noisy),
        "grey": (blurred(grey), grey),
        "nearly black": (np.roll(dark, 1, axis=1), dark),
        "identical": (odd, odd),
        "tiny": (blurred(odd)[:11, :12], odd[:11, :12]),
        "tinier": (blurred(odd)[:7, :9], odd[:7, :9]),
        "floats": (floats, odd),
    }


def scores(code):
    """(Pair, protocol id, metric) -> value, or None where it is not defined; of all that is not slow."""
    found = {}
    for pair, pictures in pairs().items():
        reading = Reading(*map(Opened, pictures), code=code)
        for protocol in FAST:
            for metric in protocol.metrics:
                found[pair, protocol.id, metric.name] = metric.function(reading.compared(protocol))
    return found


@pytest.mark.parametrize("code", [fused, plain])
def test_values_are_the_pinned_ones(code):
    found = scores(code)
    pinned = {tuple(row[:3]): float(row[3]) if row[3] else None for row in csv.reader(FILE.read_text().splitlines())}
    assert found.keys() == pinned.keys()
    assert [key for key, value in found.items() if (value is None) != (pinned[key] is None)] == []
    known = {key: value for key, value in found.items() if value is not None}
    assert known == pytest.approx({key: pinned[key] for key in known}, rel=0, abs=1e-9)


@pytest.mark.parametrize("name", sorted(plugins.find("protocols")))
def test_protocols_say_all_of_themselves(name):
    protocol = find_protocol(name)
    assert protocol.name == name
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*@[1-9]\d*", protocol.id)
    assert protocol.summary
    assert protocol.metrics
    assert len({metric.name for metric in protocol.metrics}) == len(protocol.metrics)
    assert all(re.fullmatch(r"[a-z_]+", metric.name) for metric in protocol.metrics)
    assert all(getattr(protocol.recipe, field.name).strip() for field in fields(Recipe))
    assert protocol.unpublished == ("our reading" in protocol.summary)


def test_the_document_has_every_protocol():
    text = Path(__file__).parents[1].joinpath("docs", "protocols.md").read_text()
    assert [name for name in plugins.find("protocols") if f"`{name}`" not in text] == []


if __name__ == "__main__":
    with FILE.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([*key, value] for key, value in scores(plain).items())
