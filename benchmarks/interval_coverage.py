"""How often intervals of a mean hold the true one, by the number of scenes: why `compare` expands its percentiles.

    python benchmarks/interval_coverage.py [--sets N] [--json FILE]

Scenes of 5 to 59 pictures; a picture's difference is its scene's, of variance 1 (normal) or skewed (exponential), plus
noise of variance 1; the true mean is 0. `percentile` and `bca` are the usual bootstrap intervals of the same resamples.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.stats import norm

from deblurbench.scoring.statistics import bootstrap
from deblurbench.scoring.statistics.sums import sum_by_scene


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=2000, help="simulated datasets per row")
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    chosen = parser.parse_args()
    rows = [
        {"kind": kind, "scenes": scenes, "share_held": coverage(kind, scenes, chosen.sets, chosen.resamples)}
        for kind in ("normal", "skewed")
        for scenes in (3, 5, 8, 11, 20, 40)
    ]
    result = json.dumps({"sets": chosen.sets, "resamples": chosen.resamples, "rows": rows}, indent=2)
    print(result)
    if chosen.json:
        chosen.json.write_text(result + "\n")


def coverage(kind: str, scenes: int, sets: int, resamples: int) -> dict[str, float]:
    rng = np.random.default_rng(scenes)
    held = dict.fromkeys(("expanded", "percentile", "bca"), 0)
    for seed in range(sets):
        sizes = rng.integers(5, 60, scenes)
        own = rng.normal(size=scenes) if kind == "normal" else rng.exponential(size=scenes) - 1
        scene = np.repeat(np.arange(scenes), sizes)
        sums = sum_by_scene((own[scene] + rng.normal(size=len(scene)))[:, None], scene)
        means = np.sort(bootstrap._resampled_means(sums, resamples, seed)[:, 0])
        tails = {
            "expanded": (bootstrap.tail(scenes),) * 2,
            "percentile": (0.025, 0.025),
            "bca": bca_tails(sums, means),
        }
        for name, (below, above) in tails.items():
            low = means[max(1, int((resamples + 1) * below)) - 1]
            high = means[resamples - max(1, int((resamples + 1) * above))]
            held[name] += bool(low <= 0 <= high)
    return {name: round(count / sets, 3) for name, count in held.items()}


def bca_tails(sums, means) -> tuple[float, float]:
    """Efron 1987, with the jackknife over scenes."""
    total, count = sums.totals[:, 0] * sums.units, sums.counts[:, 0]
    left = (total.sum() - total) / (count.sum() - count)
    spread = left.mean() - left
    acceleration = (spread**3).sum() / (6 * (spread**2).sum() ** 1.5)
    bias = norm.ppf(np.clip(np.searchsorted(means, sums.means()[0]) / len(means), 1e-3, 1 - 1e-3))
    z = bias + norm.ppf([0.025, 0.975])
    low, high = norm.cdf(bias + z / (1 - acceleration * z))
    return low, 1 - high


if __name__ == "__main__":
    main()
