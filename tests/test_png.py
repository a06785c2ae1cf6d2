"""Our PNG encoder gives one picture the same bytes in every process, so that two builds have the same files."""

import subprocess
import sys

import numpy as np

from deblurbench.images.codec import decode
from deblurbench.images.png import encode_png

# Pictures that begin with equal pixels, as skies and borders do: where ISA-L's start decides what becomes of the rest.
ENCODE = """
import hashlib, sys
import numpy as np
from deblurbench.images.png import encode_png
for value in range(20_000):
    picture = np.empty((4, 24, 3), np.uint8)
    picture[:, :2], picture[:, 2:5] = value & 255, value >> 8
    picture[:, 5:] = np.arange(57).reshape(19, 3)
    print(hashlib.sha256(encode_png(picture)).hexdigest())
"""


def test_the_same_bytes_in_every_process():
    outputs = {subprocess.run([sys.executable, "-c", ENCODE], check=True, capture_output=True).stdout for _ in range(5)}
    assert len(outputs) == 1
    assert len(outputs.pop().split()) == 20_000


def test_the_smallest_pictures():
    for height, width in ((1, 1), (1, 2), (1, 3), (2, 1), (3, 2)):
        picture = np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)
        assert np.array_equal(decode(encode_png(picture), "a.png"), picture)
