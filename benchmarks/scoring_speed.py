"""How fast folders are scored, against the loop of Pillow and scikit-image, and against other libraries.

    python benchmarks/scoring_speed.py [--photos DIR] [--peers DIR] [--json FILE]

PNG pairs of 1280x720: drawn pictures (dead leaves with noise), or your photographs; the predictions are their blur with
noise.
Everything is timed in turns on one core, but for what says `threads`; ratios are of the least times.

- end to end: from files to the mean of PSNR and Gaussian SSIM. The reference is the loop over `Image.open`,
  `peak_signal_noise_ratio` and `structural_similarity(gaussian_weights=True, ...)`; ours is what `deblurbench score`
  does (`exact`: in float64; `all`: every protocol but slow metrics);
- compute: the same without decoding, from uint8 arrays; other libraries take part here;
- protocols: what each adds to those before it;
- start: `deblurbench score` of 10 pairs as a command, with nothing compiled yet (`cold`) and later (`warm`), against a
  Python program with the reference loop.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from kit import HEIGHT, WIDTH, arguments, interleaved, report
from PIL import Image
from scoring_peers import find, scikit_image

from deblurbench.images.codec import list_pictures, read_rgb
from deblurbench.images.png_decode import read_plain_png
from deblurbench.images.resize import crop_to_ratio, resize
from deblurbench.scoring.metrics import engine
from deblurbench.scoring.metrics.compared import Compared
from deblurbench.scoring.pictures.pairing import pair_folders
from deblurbench.scoring.protocol import Protocol, find_protocol
from deblurbench.scoring.score import ScoreReport, score_pairing
from deblurbench.scoring.selection import ALL, select
from deblurbench.sources.deadleaves import draw

SINGLE = "basicsr-rgb"
STARTED = 10  # pairs of the commands

LOOP = """
import sys
from pathlib import Path
import numpy as np
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
found = []
for file in sorted(Path(sys.argv[2]).iterdir()):
    y = np.asarray(Image.open(file).convert("RGB"))
    x = np.asarray(Image.open(Path(sys.argv[1]) / file.name).convert("RGB"))
    ssim = structural_similarity(
        y, x, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    found.append((peak_signal_noise_ratio(y, x, data_range=255), ssim))
print(np.mean(found, axis=0))
"""


COMPILE = """
import sys
from pathlib import Path
from deblurbench.scoring.metrics import engine
from deblurbench.scoring.protocol import find_protocol
from deblurbench.scoring.pictures.pairing import pair_folders
from deblurbench.scoring.score import score_pairing
engine.expect(10**12)
pairing = pair_folders(Path(sys.argv[1]), Path(sys.argv[2]))
score_pairing(pairing, [find_protocol("gnr638-eval")], exact=False, quiet=True)
"""


def make_pairs(folder: Path, count: int, photos: Path | None) -> tuple[Path, Path]:
    """Draw, or crop, and write; returns the folders of predictions and sharp pictures."""
    predictions, sharp = folder / "preds", folder / "sharp"
    predictions.mkdir()
    sharp.mkdir()
    files = [photos / name for name in list_pictures(photos)] if photos else []
    random = np.random.default_rng(0)
    for i in range(count):
        if files:
            picture = resize(crop_to_ratio(read_rgb(files[i % len(files)]), 16, 9), HEIGHT, WIDTH)
        else:
            picture = _noisy(draw(0, i, HEIGHT, WIDTH), 2, random)
        Image.fromarray(picture).save(sharp / f"{i:03}.png")
        blurred = cv2.GaussianBlur(picture, (0, 0), 0.8 + 0.2 * (i % 5))
        Image.fromarray(_noisy(blurred, 3, random)).save(predictions / f"{i:03}.png")
    return predictions, sharp


def _noisy(picture: np.ndarray, sigma: float, random: np.random.Generator) -> np.ndarray:
    return np.clip(np.rint(picture + random.normal(0, sigma, picture.shape)), 0, 255).astype(np.uint8)


def loop(predictions: Path, sharp: Path) -> np.ndarray:
    """The reference: N x 2, PSNR and SSIM."""
    files = sorted(sharp.iterdir())
    return np.array([scikit_image(_pillow(predictions / file.name), _pillow(file)) for file in files])


def _pillow(path: Path) -> np.ndarray:
    return np.array(Image.open(path).convert("RGB"))


def all_protocols() -> list[Protocol]:
    """All that are installed, the single one first, without slow metrics."""
    return list(select([SINGLE, ALL]).protocols)


class Benchmark:
    """The measurements, on one set of pairs."""

    def __init__(self, predictions: Path, sharp: Path, rounds: int, cores: set[int]) -> None:
        self.predictions, self.sharp, self.rounds, self.cores = predictions, sharp, rounds, cores
        self.files = sorted(sharp.iterdir())
        self.pairs = [(_pillow(predictions / file.name), _pillow(file)) for file in self.files]
        self.single = [find_protocol(SINGLE)]
        engine.expect(10**12)
        self.score(all_protocols(), exact=True)  # whatever is to be compiled is
        self.score(self.single)

    def score(self, protocols: list[Protocol], *, exact: bool = False, workers: int = 1) -> ScoreReport:
        """What `deblurbench score` does."""
        pairing = pair_folders(self.predictions, self.sharp)
        return score_pairing(pairing, protocols, exact=exact, workers=workers, quiet=True)

    def errors(self) -> dict[str, float]:
        """The largest differences to scikit-image's values."""
        reference = loop(self.predictions, self.sharp)
        found = {}
        for name, exact in (("fast", False), ("exact", True)):
            images = self.score(self.single, exact=exact).protocols[0].images
            values = np.array([[image.values["psnr_db"], image.values["ssim"]] for image in images])
            worst = np.abs(values - reference).max(axis=0)
            found |= {f"psnr_db, {name}": float(worst[0]), f"ssim, {name}": float(worst[1])}
        return found

    def end_to_end(self) -> dict[str, object]:
        """One core, then threads on all of them."""
        ways = {
            "reference": lambda: loop(self.predictions, self.sharp),
            "ours": lambda: self.score(self.single),
            "ours, exact": lambda: self.score(self.single, exact=True),
            "ours, all": lambda: self.score(all_protocols(), exact=True),
        }
        times = self._per_pair(interleaved(ways, self.rounds))
        result: dict[str, object] = {"ms per pair": times, "times as fast as the reference": _ratios(times)}
        least = {name: time["least_ms"] for name, time in times.items()}
        result["all: times the single protocol"] = round(least["ours, all"] / least["ours"], 2)
        result["all: times the single protocol, exact"] = round(least["ours, all"] / least["ours, exact"], 2)
        for name, protocols, exact in (("single", self.single, False), ("all", all_protocols(), True)):
            reports = [self.score(protocols, exact=exact) for _ in range(self.rounds)]
            shares = [1 - report.decoding_seconds / report.seconds for report in reports]
            result[f"share beyond decoding, {name}"] = round(float(np.median(shares)), 3)
        return result | {"threads": self._threads()}

    def _threads(self) -> dict[str, object]:
        """Threads may use all cores; the reference stays the loop in one process."""
        if len(self.cores) < 2:
            return {"left out": "one core"}
        ways = {
            "reference": lambda: loop(self.predictions, self.sharp),
            "ours, 1 thread": lambda: self.score(self.single),
            "ours, 2 threads": lambda: self.score(self.single, workers=2),
            "ours, all, 2 threads": lambda: self.score(all_protocols(), exact=True, workers=2),
        }
        mine = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self.cores)
        times = self._per_pair(interleaved(ways, self.rounds))
        os.sched_setaffinity(0, mine)
        return {"ms per pair": times, "times as fast as the reference": _ratios(times)}

    def _per_pair(self, times: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        return {n: {k: round(v / len(self.files), 2) for k, v in time.items()} for n, time in times.items()}

    def compute(self, peers: Path | None) -> dict[str, object]:
        """One pair in memory, by everybody, and decoding one."""
        others, missing = find(peers)
        x, y = self.pairs[0]

        def ours(exact: bool) -> tuple[float, float]:
            compared = Compared(x, y, exact=exact)
            return compared.psnr(), compared.gaussian_ssim()

        computing = {"reference": lambda: scikit_image(x, y), "ours": lambda: ours(False)}
        computing["ours, exact"] = lambda: ours(True)
        for name, way in others.items():
            computing[name] = lambda way=way: way(x, y)
        both = [self.files[0], self.predictions / self.files[0].name]
        decoding = {"reference": lambda: list(map(_pillow, both)), "ours": lambda: list(map(read_plain_png, both))}
        times = {"compute": interleaved(computing, self.rounds), "decode": interleaved(decoding, self.rounds)}
        reference = scikit_image(x, y)
        return {
            "ms": times,
            "times as fast as the reference": {name: _ratios(time) for name, time in times.items()},
            "ours: times as fast as": _ratios_to(times["compute"], "ours"),
            "difference of ssim": {name: abs(way()[1] - reference[1]) for name, way in computing.items()},
            "not importable": missing,
        }

    def protocols(self) -> dict[str, object]:
        """Milliseconds per pair that each protocol adds to those before it."""
        chosen = all_protocols()
        ways = {
            protocol.id: lambda n=n: self.score(chosen[:n], exact=True) for n, protocol in enumerate(chosen, start=1)
        }
        times = self._per_pair(interleaved(ways, self.rounds))
        least = [time["least_ms"] for time in times.values()]
        return {name: round(float(ms), 2) for name, ms in zip(times, np.diff(least, prepend=0), strict=True)}


def start(predictions: Path, sharp: Path, folder: Path, cores: set[int], rounds: int) -> dict[str, object]:
    """Seconds of commands that score `STARTED` pairs: on one core, and on all of them."""
    command = [sys.executable, "-m", "deblurbench", "score", predictions, sharp, "--quiet"]
    program = [sys.executable, "-c", LOOP, predictions, sharp]
    kept, found = folder / "kept", {}
    mine = os.sched_getaffinity(0)
    for where, allowed in {"one core": mine, "all cores": cores}.items():
        os.sched_setaffinity(0, allowed)
        _seconds([sys.executable, "-c", COMPILE, predictions, sharp], kept)
        times: dict[str, list[float]] = {"reference": [], "cold": [], "warm": []}
        for i in range(rounds):
            times["reference"].append(_seconds(program, kept))
            times["cold"].append(_seconds(command, folder / f"cold {where} {i}"))
            times["warm"].append(_seconds(command, kept))
        least = {name: round(min(values), 2) for name, values in times.items()}
        found[where] = {"seconds": least, "times as fast as the reference": _ratios_of(least, "reference")}
    os.sched_setaffinity(0, mine)
    return found


def _seconds(command: list[object], kept: Path) -> float:
    """Of a program, with this folder for what numba compiles."""
    begin = time.perf_counter()
    subprocess.run(
        list(map(str, command)), env=os.environ | {"NUMBA_CACHE_DIR": str(kept)}, check=True, capture_output=True
    )
    return time.perf_counter() - begin


def _ratios(times: dict[str, dict[str, float]]) -> dict[str, float]:
    return _ratios_of({name: time["least_ms"] for name, time in times.items()}, "reference")


def _ratios_of(least: dict[str, float], first: str) -> dict[str, float]:
    return {name: round(least[first] / value, 2) for name, value in least.items() if name != first}


def _ratios_to(times: dict[str, dict[str, float]], first: str) -> dict[str, float]:
    least = {name: time["least_ms"] for name, time in times.items()}
    return {name: round(value / least[first], 2) for name, value in least.items() if name != first}


def main() -> None:
    """Measure and print."""
    cores = os.sched_getaffinity(0)
    options = arguments(
        __doc__,
        photos={"type": Path, "help": "a folder of photographs of your own"},
        peers={"type": Path, "help": "a folder with other libraries (see benchmarks/README.md)"},
        pairs={"type": int, "default": STARTED, "help": "how many pairs"},
    )
    cv2.setNumThreads(1)
    _one_thread()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        predictions, sharp = make_pairs(folder, options.pairs, options.photos)
        benchmark = Benchmark(predictions, sharp, options.rounds, cores)
        results = {
            "pairs": options.pairs,
            "size": f"{WIDTH}x{HEIGHT}",
            "load before": os.getloadavg()[0],
            "errors": benchmark.errors(),
            "end to end": benchmark.end_to_end(),
            "one pair": benchmark.compute(options.peers),
            "ms per pair that each protocol adds": benchmark.protocols(),
            "start": start(predictions, sharp, folder, cores, max(3, options.rounds // 3)),
        }
    report(results, ("numpy", "numba", "scikit-image", "pillow", "opencv-python-headless", "torch"), options.json)


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


if __name__ == "__main__":
    main()
