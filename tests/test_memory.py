"""Building takes no more memory for more photos: what it keeps of each is less than can be seen."""

import subprocess
import sys

import pytest
from conftest import ROOT

BUILD = """
import resource, sys
from pathlib import Path
sys.path.insert(0, "tests")
from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.sources.deadleaves import DeadLeaves
from conftest import noise
DeadLeaves.read = lambda self, photo: noise(24, 32, seed=int(photo.raw_sha256[:8], 16))  # drawing leaves takes long
recipe, out, count = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
plan = make_plan(read_recipe(recipe, [f"sources.0.count={count}"]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert sum(build(plan, out, fmt=sys.argv[4], quiet=True).splits.values()) > int(count)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss differs")
@pytest.mark.parametrize(
    ("fmt", "blurs"),
    [
        ("png", '[{ family = "gaussian", sigma = 1.0 }, { family = "box", width = 3 }]'),
        # Every pair has a kernel of its own, and the tiles of a photo are not made in the order of their ids:
        (
            "webdataset",
            """[{ family = "linear-motion", length = [3.0, 9.0], angle = [0.0, 180.0] }]
            tiles = { size = "8x8", mode = "random", count = 11 }""",
        ),
    ],
    ids=["png", "webdataset"],
)
def test_building_2_000_takes_what_200_take(tiny_recipe, tmp_path, fmt, blurs):
    head, _, rest = tiny_recipe.read_text().partition("blurs = ")
    tiny_recipe.write_text(f"{head}blurs = {blurs}\n{rest.partition(chr(10))[2]}")

    def grown(count):
        command = [sys.executable, "-c", BUILD, tiny_recipe, tmp_path / f"{count}", str(count), fmt]
        return int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout)

    few, many = grown(200), grown(2000)
    print(f"{(many - few) / 1800:.0f} bytes more for each photo more")
    assert many - few < 4_000_000, f"{(many - few) / 1800:.0f} bytes more for each photo more"
