"""Draws are integers from SHA-256: the same everywhere, whatever is asked for and in what pieces."""

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deblurbench.draws import Draws


def test_words_are_the_documented_digests():
    text = "7\x1ftrain/cat\x1fblur\x1f"
    digests = [hashlib.sha256(f"{text}{i}".encode()).digest() for i in range(2)]
    expected = [int.from_bytes(d[k : k + 4], "little") for d in digests for k in range(0, 32, 4)]
    assert Draws(7, "train/cat", "blur").words(16).tolist() == expected


@given(st.lists(st.integers(0, 40), max_size=8))
def test_pieces_do_not_matter(pieces):
    whole = Draws(1, "a", "b").words(sum(pieces))
    stream = Draws(1, "a", "b")
    assert np.concatenate([stream.words(n) for n in pieces] or [whole]).tolist() == whole.tolist()


def test_seed_item_and_purpose_all_matter():
    streams = [Draws(*key).words(4).tolist() for key in [(1, "a", "b"), (2, "a", "b"), (1, "c", "b"), (1, "a", "d")]]
    assert len({tuple(s) for s in streams}) == 4


def test_integers_reach_both_ends_evenly():
    drawn = Draws(3, "x", "die").integers(1, 6, 60_000)
    counts = np.bincount(drawn, minlength=7)
    assert counts[0] == 0
    assert (abs(counts[1:] - 10_000) < 400).all()  # 4 standard deviations
