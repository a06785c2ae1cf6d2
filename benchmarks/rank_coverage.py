"""How often a table of a leaderboard tells methods apart that are equally good, by scenes and methods.

    python benchmarks/rank_coverage.py [--boards 1000] [--json FILE]

All methods of a simulated board have the same expectation, so none is better than another. Counted is how often the
first one is shown to be better or worse all the same (at most 5 % is promised), and on how many boards any is. Scenes
have 5 to 59 pictures, or 20 each. A method's effect on a scene is normal with a deviation of 1 dB; where it says
skewed, that of the first method is lognormal instead (skewness 4). That on a picture is normal, with 0.5 dB. The least
number of scenes that tables ask for is lifted here.
"""

import kit
import numpy as np

from deblurbench.leaderboard.tables import ranks
from deblurbench.leaderboard.tables.ranks import ranges

SCENES = (4, 6, 8, 11, 20, 40)
METHODS = (2, 5, 20)


def effects(rng: np.random.Generator, scenes: int, methods: int, skewed: bool) -> np.ndarray:
    normal = rng.normal(0, 1, (scenes, methods))
    if skewed:
        sigma = 0.8334  # of a lognormal whose skewness is 4
        mean, variance = np.exp(sigma**2 / 2), np.exp(sigma**2) * (np.exp(sigma**2) - 1)
        normal[:, 0] = (rng.lognormal(0, sigma, scenes) - mean) / np.sqrt(variance)
    return normal


def wrong(rng: np.random.Generator, boards: int, scenes: int, methods: int, unequal: bool, skewed: bool) -> list[float]:
    first = spoilt = 0
    for _ in range(boards):
        sizes = rng.integers(5, 60, scenes) if unequal else np.full(scenes, 20)
        scene = np.repeat(np.arange(scenes), sizes)
        psnr = 30 + effects(rng, scenes, methods, skewed)[scene] + rng.normal(0, 0.5, (len(scene), methods))
        found = [places != (1, methods) for places in ranges(psnr, np.full(len(scene), 25.0), scene)]
        first += found[0]
        spoilt += any(found)
    return [round(100 * first / boards, 1), round(100 * spoilt / boards, 1)]


def main() -> None:
    asked = kit.arguments(__doc__, boards={"type": int, "default": 1000})
    rng = np.random.default_rng(0)
    ranks.FEWEST_SCENES = 2
    figures = {
        f"{scenes} scenes, {methods} methods": {
            f"{sizes}, {kind}": wrong(rng, asked.boards, scenes, methods, sizes == "unequal", kind == "skewed")
            for sizes in ("equal", "unequal")
            for kind in ("normal", "skewed")
        }
        for scenes in SCENES
        for methods in METHODS
    }
    kit.report({"boards": asked.boards, "percent of first methods, of boards": figures}, ("numpy", "scipy"), asked.json)


if __name__ == "__main__":
    main()
