"""How long `swift` takes for a picture of 1280x720, beside NAFNet of width 32.

    python benchmarks/swift_speed.py [--threads N] [--rounds N] [--json FILE]

The networks have the weights that they start with where none ship: their values change no time. The picture is made of
photographs that come with scikit-image, blurred by a Gaussian of sigma 1.2. Timed in turns is what `predict` does
between decoding and encoding. Printed are medians in seconds and the ratio, turn by turn.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from kit import make_photo, report

from deblurbench.blur.convolve import convolve
from deblurbench.blur.gaussian import GaussianOpenCV
from deblurbench.images.codec import read_rgb
from deblurbench.runs.baseline import WEIGHTS, Restorer
from deblurbench_baselines import nafnet, swift, swift_general
from deblurbench_baselines.inference.weights import save_weights
from deblurbench_baselines.trained import TrainedBaseline


def restorer(baseline: TrainedBaseline, folder: Path) -> Restorer:
    """The baseline with its shipped weights, or freshly initialised."""
    config = baseline.configure()
    weights = baseline.shipped(config)
    if weights is None:
        weights = folder / baseline.name / WEIGHTS
        weights.parent.mkdir()
        save_weights(weights, config.network.build(), {})
    return baseline.restorer(config, weights, "cpu")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        photo = read_rgb(make_photo(folder / "photo.jpg"))
        blurred = convolve(photo, GaussianOpenCV(sigma=1.2).kernel())
        restorers = {baseline.name: restorer(baseline, folder) for baseline in (swift, swift_general, nafnet)}
        seconds: dict[str, list[float]] = {name: [] for name in restorers}
        for turn in range(chosen.rounds + 1):  # the first one warms up
            for name, restore in restorers.items():
                start = time.perf_counter()
                restore(blurred)
                if turn:
                    seconds[name].append(time.perf_counter() - start)
    ratios = [slow / fast for slow, fast in zip(seconds["nafnet"], seconds["swift"], strict=True)]
    figures = {
        "threads": chosen.threads,
        "seconds at 1280x720": {name: round(statistics.median(times), 3) for name, times in seconds.items()},
        "nafnet / swift": {"median": round(statistics.median(ratios), 2), "least": round(min(ratios), 2)},
    }
    report(figures, ("torch", "numpy"), chosen.json)


if __name__ == "__main__":
    main()
