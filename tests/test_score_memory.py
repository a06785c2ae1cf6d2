"""Scoring takes no more memory for more pairs: what it keeps of each is its name and its numbers."""

import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, noise
from PIL import Image

SCORE = """
import resource, sys
from pathlib import Path
from deblurbench.compiled import expect
from deblurbench.scoring.pictures.pairing import pair_folders
from deblurbench.scoring.score import score_pairing
from deblurbench.scoring.protocols.gnr638 import GNR638_EVAL
expect(10**12)
pairing = pair_folders(Path(sys.argv[1], "preds"), Path(sys.argv[1], "sharp"))
report = score_pairing(pairing, [GNR638_EVAL], workers=2, quiet=True)
assert report.n == int(sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss differs")


def pairs(folder, picture, count):
    """A folder of pairs, all of one picture."""
    for name, shown in (("sharp", picture), ("preds", picture ^ 3)):
        (folder / name).mkdir(parents=True)
        Image.fromarray(shown).save(folder / name / "0.png", compress_level=1)
        for i in range(1, count):
            os.link(folder / name / "0.png", folder / name / f"{i}.png")
    return folder


def peak(folder, count):
    command = [sys.executable, "-c", SCORE, folder, str(count)]
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout)


@pytest.fixture(scope="module", autouse=True)
def compiled(tmp_path_factory):
    """Compiling takes memory; here it is done once, before anything is measured."""
    peak(pairs(tmp_path_factory.mktemp("first") / "pairs", noise(16, 16), 1), 1)


def test_scoring_1_000_pairs_takes_what_20_take(tmp_path):
    picture = noise(150, 200)
    few, many = (peak(pairs(tmp_path / str(count), picture, count), count) for count in (20, 1000))
    print(f"{(many - few) / 980:.0f} bytes more for each pair more")
    assert many - few < 980 * picture.size / 10  # a tenth of one picture of each pair would be too much


def test_a_large_pair_takes_a_few_times_its_pixels(tmp_path):
    small, large = noise(16, 16), np.tile(noise(270, 480), (8, 8, 1))  # 4K
    least, most = (peak(pairs(tmp_path / name, picture, 1), 1) for name, picture in (("s", small), ("l", large)))
    print(f"{(most - least) / large.size:.1f} bytes more for each sample of a picture")
    assert most - least < 7 * large.size
